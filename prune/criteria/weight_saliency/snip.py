"""SNIP: how much the loss changes, to first order, where a weight is removed (Lee et al. 2019, eq. 5): |w dL/dw|."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prune.criteria.weight_saliency import (
    Batches,
    Matrices,
    WeightSaliency,
    by_matrix,
    number_of_examples,
    parameters_of,
)


class Snip(WeightSaliency):
    """|w g|, g the gradient of the mean loss over all examples. They are not normalised: only their order counts."""

    def score(self, model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
        gradients = mean_gradients(model, matrices, batches)
        weights = {name: weight.detach() for name, weight in parameters_of(model, matrices).items()}
        return by_matrix(model, matrices, {name: (weights[name] * g).abs() for name, g in gradients.items()})


def mean_gradients(model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
    """Module -> the gradient of the mean loss over all examples with respect to its weight."""
    parameters, number = parameters_of(model, matrices), number_of_examples(batches)
    total = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    for batch in batches:
        loss = model(**batch).loss * (len(batch["input_ids"]) / number)  # the loss is the mean over the batch
        for name, gradient in zip(total, torch.autograd.grad(loss, list(parameters.values())), strict=True):
            total[name] += gradient
    return total


WEIGHT_SALIENCY = Snip()
