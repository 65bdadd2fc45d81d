"""Saliencies: scores of units from a model as it is and examples. One file = one saliency, assigning `SALIENCY`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from prune.models.sublayers import Sublayer


class Saliency(ABC):
    """Scores units from a model and batches of examples, without training. Has no state."""

    @abstractmethod
    def score(
        self, model: Any, sublayers: Sequence[Sublayer], batches: Iterable[Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        """The saliency of all units: an estimate of how much the loss rises where a unit is removed.

        Args:
            model: A transformers model in evaluation mode, whose weights need no gradient. It stays as it is.
            sublayers: Those whose units are scored, at least one.
            batches: Inputs of `model`, labels included, on its device.

        Returns:
            Name of each of `sublayers` -> (units,), on the CPU, on one scale for all of them.
        """
