"""Magnitude: the mean absolute weight of a grain; not learned (Han et al. 2015)."""

from torch import Tensor

from prune.masking.criterion import Criterion


class Magnitude(Criterion):
    """Keeps the largest weights."""

    setting = "density"
    learned = False
    from_weights = True

    def rank(self, scores: Tensor) -> Tensor:
        return scores


CRITERION = Magnitude()
