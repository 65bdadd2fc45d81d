"""GraSP: how much the gradient's norm falls where a weight is removed (Wang et al. 2020, eq. 8).

To first order, the squared norm g'g changes by -w (Hg) where w is removed, H the Hessian of the loss; weights whose
removal would raise it the most go, those with the highest -w (Hg). The saliency is that, turned: w (Hg).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prune.criteria.weight_saliency import (
    Batches,
    Matrices,
    WeightSaliency,
    by_matrix,
    number_of_examples,
    parameters_of,
)
from prune.criteria.weight_saliency.snip import mean_gradients

TEMPERATURE = 200.0
"""Logits are divided by it (the authors' code), so that the loss is smooth where the network's answers are random."""


class Grasp(WeightSaliency):
    """w (Hg) of the mean loss over all examples, at a temperature of 200."""

    needs_second_derivatives = True

    def score(self, model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
        weights = parameters_of(model, matrices)
        with _softened(model):
            gradients = mean_gradients(model, matrices, batches)
            products = hessian_product(model, matrices, batches, gradients)
        return by_matrix(model, matrices, {name: weights[name].detach() * hg for name, hg in products.items()})


def hessian_product(model: Any, matrices: Matrices, batches: Batches, vector: dict[str, Tensor]) -> dict[str, Tensor]:
    """Module -> its part of the Hessian of the mean loss, with respect to all modules' weights, times `vector`."""
    parameters, number = parameters_of(model, matrices), number_of_examples(batches)
    weights = list(parameters.values())
    total = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    for batch in batches:
        loss = model(**batch).loss * (len(batch["input_ids"]) / number)
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        along = torch.stack([(g * vector[name]).sum() for name, g in zip(total, gradients, strict=True)]).sum()
        for name, product in zip(total, torch.autograd.grad(along, weights), strict=True):
            total[name] += product
    return total


@contextmanager
def _softened(model: Any) -> Iterator[None]:
    """Meanwhile the layer that gives the logits gives them divided by the temperature."""
    inside = set(model.base_model.modules())
    outside = [module for module in model.modules() if isinstance(module, nn.Linear) and module not in inside]
    last = model.get_output_embeddings() or outside[-1]
    handle = last.register_forward_hook(lambda _module, _args, logits: logits / TEMPERATURE)
    try:
        yield
    finally:
        handle.remove()


WEIGHT_SALIENCY = Grasp()
