"""L0: stochastic gates with the hard concrete distribution (Louizos et al. 2018)."""

import math

import torch
from torch import Tensor

from prune.masking.criterion import Criterion

BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1
OPEN_AT_START = 2.197  # sigmoid of it is 0.9, as in Sanh et al. 2020


class HardConcrete(Criterion):
    """Gates in [0, 1] sampled in training (eq. 10), fixed in evaluation (eq. 13); scores are log alpha."""

    setting = "penalty"

    def initial(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.full(shape, OPEN_AT_START)

    def rank(self, scores: Tensor) -> Tensor:
        return _stretched(torch.sigmoid(scores))

    def mask(self, scores: Tensor, cut: Tensor | float, training: bool) -> Tensor:
        if not training:
            return self.rank(scores)
        noise = torch.empty_like(scores).uniform_(1e-6, 1 - 1e-6)
        return _stretched(torch.sigmoid((torch.logit(noise) + scores) / BETA))

    def removed_at(self, threshold: float) -> float:
        """Where a gate is closed, at which eq. 13 gives 0."""
        return math.log(-GAMMA / ZETA)

    def penalty(self, scores: Tensor) -> Tensor:
        """Expected fraction of open gates (eq. 12)."""
        return torch.sigmoid(scores - BETA * math.log(-GAMMA / ZETA)).mean()


def _stretched(gates: Tensor) -> Tensor:
    return (gates * (ZETA - GAMMA) + GAMMA).clamp(0.0, 1.0)


CRITERION = HardConcrete()
