"""Random: scores drawn once from the seed: the control every criterion must beat."""

import torch
from torch import Tensor

from prune.masking.criterion import Criterion


class Random(Criterion):
    """Keeps a fixed random choice."""

    setting = "density"
    learned = False

    def initial(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.rand(shape, generator=generator)

    def rank(self, scores: Tensor) -> Tensor:
        return scores


CRITERION = Random()
