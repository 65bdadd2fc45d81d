"""Soft movement: learned scores, kept where sigmoid(S) > threshold, with a penalty (Sanh et al. 2020, section 4.2)."""

import math

import torch
from torch import Tensor

from prune.masking.binarize import straight_through
from prune.masking.criterion import Criterion


class SoftMovement(Criterion):
    """The penalty decides how much is removed, the gradients decide where."""

    setting = "threshold"

    def rank(self, scores: Tensor) -> Tensor:
        return torch.sigmoid(scores)

    def mask(self, scores: Tensor, cut: Tensor | float, training: bool) -> Tensor:
        return straight_through(scores, self.rank(scores.detach()), cut, torch.gt)

    def removed_at(self, threshold: float) -> float:
        return math.log(threshold / (1 - threshold)) if 0 < threshold < 1 else math.copysign(math.inf, threshold - 0.5)

    def penalty(self, scores: Tensor) -> Tensor:
        return torch.sigmoid(scores).mean()


CRITERION = SoftMovement()
