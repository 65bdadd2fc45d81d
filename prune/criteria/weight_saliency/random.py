"""Random: numbers drawn from the seed, whatever the weights: the control that every other one must beat."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prune.criteria.weight_saliency import Batches, Matrices, WeightSaliency


class Random(WeightSaliency):
    """Uniform in [0, 1), from torch's global generator."""

    needs_examples = False

    def score(self, model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
        return {name: torch.rand(matrix.rows, matrix.columns).to(model.device) for name, matrix in matrices.items()}


WEIGHT_SALIENCY = Random()
