"""What the formats of other runtimes need, which is known without torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from prune.config.schema import Runtime, SpeedConfig
from prune.errors import UserError


@dataclass(frozen=True)
class Needs:
    """Of one format."""

    packages: tuple[str, ...] = ()
    extra: str = ""
    """Of this package, which brings them."""
    dtypes: tuple[str, ...] = ("float32",)
    """Number formats that its runtime can compute in."""

    def problem(self, said: str) -> str | None:
        """Packages that are not installed, in a sentence; `said` asks for the format."""
        missing = [name for name in self.packages if find_spec(name) is None]
        return f"{said} needs {', '.join(missing)}: pip install -e '.[{self.extra}]'" if missing else None


_ONNX = Needs(("onnx", "onnxruntime", "onnxscript"), "export")
_OF_OPENVINO = ("float32", "bfloat16")
NEEDS: Mapping[str, Needs] = {
    "onnx": _ONNX,
    "onnx_int8": _ONNX,
    "openvino": Needs(("openvino",), "openvino", _OF_OPENVINO),
    "openvino_int8": Needs(("openvino", "nncf"), "openvino", _OF_OPENVINO),
    "torch": Needs(),
    "plain": Needs(),
}
"""Name of a format (prune/inference/formats.py) -> what it needs."""


_COMPILERS = ("g++", "clang++", "c++")


def runtime_problems(speed: SpeedConfig) -> Iterator[str]:
    """Why its runtime cannot run here, or not as it says."""
    said = f"evaluate.speed.runtime={speed.runtime.value}"
    if speed.runtime is Runtime.torch_compile and not any(map(shutil.which, _COMPILERS)):
        yield f"{said}: torch.compile needs a C++ compiler, such as g++, and none is installed"
    if speed.runtime in (Runtime.torch, Runtime.torch_compile):
        return
    needs = NEEDS[speed.runtime.value]
    if problem := needs.problem(said):
        yield problem
    if speed.dtype not in needs.dtypes:
        yield f"{said}: computes in {' or '.join(needs.dtypes)}, not in evaluate.speed.dtype={speed.dtype}"
    if speed.device == "cuda":
        yield f"{said}: runs on CPUs here, not on evaluate.speed.device=cuda; say cpu, or runtime=torch"


def check_packages(form: str) -> None:
    """Raises UserError if a package that the format needs is not installed."""
    if problem := NEEDS[form].problem(f"format={form}"):
        raise UserError(problem)
