"""The formats of other runtimes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from prune.compaction.stock import plain
from prune.inference import onnx, openvino
from prune.inference.inputs import Inputs
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
    convert: Callable[[Any, Inputs], Any]
    """(model, inputs) -> what can be called like the model, with inputs of any batch size and length, and saved."""
    save: Callable[[Any, Path], None] = _as_it_saves_itself
    """(what was converted, the folder for its files)."""
    opened: Callable[[Path, str], Callable[..., Any]] | None = None
    """(the folder, a number format) -> what was saved there, as its runtime opens it, to be timed; None: what was
    converted is timed. A program of torch.export is not opened: its file may hold code, which would run, and to make
    it takes no longer."""
    rival: str = ""
    """Format of the dense model in comparisons of speed; empty: the same."""
    calibrated: bool = False
    """Whether training examples show the ranges of its numbers."""

    def export(self, model: PreTrainedModel, inputs: Inputs) -> Any:
        """`model` converted."""
        with library_output.exporters():
            return self.convert(model, inputs)


def _to_torch(model: Any, inputs: Inputs) -> Any:
    exporters = import_module("transformers.exporters")
    config = exporters.DynamoConfig(dynamic_shapes=inputs.dynamic_shapes)
    return exporters.DynamoExporter().export(model, inputs.batch, config=config).to()


WEIGHTS = (".onnx", ".data", ".bin", ".pt2", ".safetensors")
"""Endings of the files with weights."""
FORMATS = {
    "onnx": Format("ONNX", True, onnx.to_onnx, onnx.save, onnx.Session),
    "onnx_int8": Format("ONNX int8", False, onnx.to_int8, onnx.save, onnx.Session, rival="onnx"),
    "openvino": Format("OpenVINO", True, openvino.to_openvino, opened=openvino.CompiledModel),
    "openvino_int8": Format(
        "OpenVINO int8", False, openvino.to_int8, opened=openvino.CompiledModel, rival="openvino", calibrated=True
    ),
    "torch": Format("torch.export", True, _to_torch),
    "plain": Format("stock", True, lambda model, _: plain(model)),
}
"""Those of prune/inference/needs.py."""
