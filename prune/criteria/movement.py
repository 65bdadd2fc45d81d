"""Movement: learned scores, the top `density` kept (Sanh et al. 2020, section 4)."""

from torch import Tensor

from prune.masking.criterion import Criterion


class Movement(Criterion):
    """Keeps the grains whose weights move away from zero during fine-tuning."""

    setting = "density"

    def rank(self, scores: Tensor) -> Tensor:
        return scores


CRITERION = Movement()
