"""The formats of other runtimes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.export import Dim
from transformers import PreTrainedModel

from prune.compaction.stock import plain
from prune.errors import UserError
from prune.export import onnx
from prune.runtime import library_output


def _as_it_saves_itself(exported: Any, folder: Path) -> None:
    exported.save_pretrained(folder)


@dataclass(frozen=True)
class Format:
    """What a model can be written as."""

    label: str
    """In the table."""
    exact: bool
    """Whether outputs are those of the original, up to rounding."""
    convert: Callable[[Any, dict[str, Tensor], dict[str, Any]], Any]
    """(model, inputs, their dynamic axes) -> what can be called like the model, and saved."""
    save: Callable[[Any, Path], None] = _as_it_saves_itself
    """(what was converted, the folder for its files)."""
    opened: Callable[[Path], Callable[..., Any]] | None = None
    """What was saved in a folder, as its runtime opens it, to be timed; None: what was converted is timed. A program of
    torch.export is not opened: its file may hold code, which would run, and to make it takes no longer."""
    packages: tuple[str, ...] = ()
    rival: str = ""
    """Format of the dense model in comparisons of speed; empty: the same."""

    def export(self, model: PreTrainedModel, batch: dict[str, Tensor]) -> Any:
        """`model` as something that can be called like it, with inputs of any batch size and length, and saved."""
        shapes = {name: dict.fromkeys(range(values.dim()), Dim.DYNAMIC) for name, values in batch.items()}
        with library_output.exporters():
            return self.convert(model, batch, shapes)


def _to_torch(model: Any, batch: dict[str, Tensor], shapes: dict[str, Any]) -> Any:
    exporters = import_module("transformers.exporters")
    config = exporters.DynamoConfig(dynamic_shapes=shapes)
    return exporters.DynamoExporter().export(model, batch, config=config).to()


_ONNX = ("onnx", "onnxruntime", "onnxscript")
FORMATS = {
    "onnx": Format("ONNX", True, onnx.to_onnx, onnx.save, onnx.Session, _ONNX),
    "onnx_int8": Format("ONNX int8", False, onnx.to_int8, onnx.save, onnx.Session, _ONNX, rival="onnx"),
    "torch": Format("torch.export", True, _to_torch),
    "plain": Format("stock", True, lambda model, *_: plain(model)),
}


def check_packages(form: str) -> None:
    """Raises UserError if a package that the format needs is not installed."""
    packages = FORMATS[form].packages
    if missing := [name for name in packages if find_spec(name) is None]:
        raise UserError(f"format={form} needs {', '.join(missing)}: pip install -e '.[export]'")
