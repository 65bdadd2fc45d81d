"""Runtimes: what runs a model while it is timed, and evaluated where numbers of 8 bits change what it says."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from prune.config.schema import Runtime, SpeedReference
from prune.inference.formats import FORMATS, Format
from prune.inference.inputs import Inputs

Called = Callable[..., Any]
"""A model as a runtime calls it: inputs by name -> outputs."""
LABELS = {Runtime.torch: "", Runtime.torch_compile: "torch.compile"}
"""Of the runtimes that take a model as it is."""


def label_of(runtime: Runtime) -> str:
    """In tables; empty for PyTorch as it is."""
    return LABELS[runtime] if runtime in LABELS else FORMATS[runtime.value].label


@dataclass(frozen=True)
class Serving:
    """How a model and the unpruned one that it is compared with are called."""

    dtype: torch.dtype
    device: torch.device
    runtime: Runtime = Runtime.torch
    reference: SpeedReference = SpeedReference.same
    inputs: Inputs | None = None
    """From which models are converted, where they are."""
    _kept: list[Called] = field(default_factory=list, repr=False, compare=False)

    @property
    def format(self) -> Format | None:
        """What models are converted to; None where PyTorch runs them."""
        return FORMATS.get(self.runtime.value) if self.runtime not in LABELS else None

    @property
    def label(self) -> str:
        """In tables; empty for PyTorch as it is."""
        return label_of(self.runtime)

    @property
    def is_reference(self) -> bool:
        """Whether the unpruned model would be its own reference, called in the same way."""
        return self.rival is self.runtime and (self.reference is SpeedReference.same or self.is_plain)

    @property
    def is_plain(self) -> bool:
        """Whether PyTorch runs models as they are, in float32."""
        return self.runtime is Runtime.torch and self.dtype is torch.float32

    @property
    def rival(self) -> Runtime:
        """In which the unpruned model is called that `same` compares with: in no 8 bits."""
        return Runtime(self.format.rival) if self.format and self.format.rival else self.runtime

    def of(self, model: PreTrainedModel) -> Called:
        """`model` as the runtime calls it; it may be moved to another device and number format."""
        return self._called(model, self.runtime)

    def reference_of(self, dense: PreTrainedModel) -> Called:
        """The unpruned model as `reference` says it is called; one that has to be converted is kept for the next."""
        if self._kept:
            return self._kept[0]
        of_torch = self.reference is SpeedReference.torch
        called = self.eager(dense) if of_torch else self._called(dense, self.rival)
        if self.format:
            self._kept.append(called)
        return called

    def eager(self, dense: PreTrainedModel) -> Called:
        """`dense` in PyTorch as it is, in float32; a copy where `of` would change it."""
        own: Called = (deepcopy(dense) if self.format is None else dense).eval().to(self.device, torch.float32)
        return own

    def _called(self, model: PreTrainedModel, runtime: Runtime) -> Called:
        if runtime is Runtime.torch or runtime is Runtime.torch_compile:
            moved: Any = model.eval().to(self.device, self.dtype)
            return torch.compile(moved) if runtime is Runtime.torch_compile else moved
        return self._converted(model.eval().to("cpu", torch.float32), FORMATS[runtime.value])

    def _converted(self, model: PreTrainedModel, made: Format) -> Called:
        """As it would be called if it had been written before."""
        assert self.inputs is not None
        with torch.inference_mode(False), torch.no_grad():
            converted = made.export(model, self.inputs)
        with tempfile.TemporaryDirectory() as folder:
            made.save(converted, Path(folder))
            return self.opened(Path(folder), made)

    def opened(self, folder: Path, made: Format | None = None) -> Called:
        """What lies in `folder`, in the runtime's format or in `made`."""
        made = made or self.format
        assert made is not None
        assert made.opened is not None
        return made.opened(folder, str(self.dtype).removeprefix("torch."))
