"""Inputs from which a model is converted for another runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.export import Dim

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Inputs:
    """Real inputs of a model."""

    batch: Batch
    """What the model is traced with: at least two texts, so that its size is not taken for fixed."""
    calibration: Sequence[Batch] = ()
    """Whose activations show the ranges that 8-bit numbers must cover, where these are fixed beforehand."""

    @property
    def dynamic_shapes(self) -> dict[str, Any]:
        """Every axis may have another size later."""
        return {name: dict.fromkeys(range(values.dim()), Dim.DYNAMIC) for name, values in self.batch.items()}
