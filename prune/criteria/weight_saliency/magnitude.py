"""Magnitude: the absolute value of a weight (Han et al. 2015)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from prune.criteria.weight_saliency import Batches, Matrices, WeightSaliency


class Magnitude(WeightSaliency):
    """|w|."""

    needs_examples = False

    def score(self, model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
        return {name: matrix.weight(model.base_model).detach().abs() for name, matrix in matrices.items()}


WEIGHT_SALIENCY = Magnitude()
