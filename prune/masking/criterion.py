"""The interface of criteria that score the grains of masks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from prune.masking.binarize import straight_through


class Criterion(ABC):
    """Scores grains and decides which are kept. Stateless: the masks hold the scores."""

    setting: ClassVar[Literal["density", "threshold", "penalty"]]
    """What the user sets and the schedule moves: density (the best are kept), threshold, or the penalty alone."""
    learned: ClassVar[bool] = True
    """Whether the scores are trained."""
    from_weights: ClassVar[bool] = False
    """Whether the scores are the mean absolute weights of the grains, recomputed at each step."""

    def initial(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Scores to begin with."""
        return torch.zeros(shape)

    @abstractmethod
    def rank(self, scores: Tensor) -> Tensor:
        """The ranking values that are compared with the cut, of the same shape as `scores`."""

    def mask(self, scores: Tensor, cut: Tensor | float, training: bool) -> Tensor:
        """The mask of `scores`, of the same shape: 1 for what is kept, 0 for what is removed."""
        return straight_through(scores, self.rank(scores.detach()), cut)

    def removed_at(self, threshold: float) -> float | None:
        """The score to which a grain's must fall to be removed; None where grains are removed wherever scores are.

        `threshold`: the final one of the method.
        """
        return None

    def penalty(self, scores: Tensor) -> Tensor | None:
        """Regulariser on `scores`, a mean in [0, 1], or None."""
        return None
