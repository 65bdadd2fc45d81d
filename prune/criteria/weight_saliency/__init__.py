"""Saliencies of single weights, from a model as it is. One file = one, assigning `WEIGHT_SALIENCY`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from prune.models.sublayers import Matrix

Matrices = Mapping[str, Matrix]
Batches = Sequence[Mapping[str, Tensor]]


class WeightSaliency(ABC):
    """Scores single weights of a model. Has no state."""

    iterations: ClassVar[int] = 1
    """Steps in which weights are removed, scored anew before each, where the user asks for no other number."""
    needs_examples: ClassVar[bool] = True
    """Whether it reads labelled examples."""
    needs_second_derivatives: ClassVar[bool] = False
    """Whether it differentiates a gradient, which fused attention kernels cannot do."""

    @abstractmethod
    def score(self, model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
        """The saliency of all weights; those with the highest are kept.

        Args:
            model: A transformers model in evaluation mode. It stays as it is, but for gradients.
            matrices: Those whose weights are scored, relative to the base model, by name.
            batches: Inputs of `model`, labels included, on its device; empty where no examples are needed.

        Returns:
            Name of each of `matrices` -> (rows, columns), on one scale for all of them.
        """


def parameters_of(model: Any, matrices: Matrices) -> dict[str, nn.Parameter]:
    """Module -> the weight that some of the `matrices` are parts of."""
    modules = dict.fromkeys(matrix.module for matrix in matrices.values())
    return {name: model.base_model.get_submodule(name).weight for name in modules}


def by_matrix(model: Any, matrices: Matrices, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values by module, in the shape of its weight -> values by matrix (rows, columns)."""
    return {name: matrix.within(model.base_model, values[matrix.module]) for name, matrix in matrices.items()}


def number_of_examples(batches: Batches) -> int:
    """How many examples the batches hold."""
    return sum(len(batch["input_ids"]) for batch in batches)
