"""Which weights or units are kept, given their scores; and the controls that a choice is compared with.

Scores and choices are tensors by name: of a matrix (rows, columns), or of a sublayer (units,). A choice is True for
what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Choice = dict[str, Tensor]


def keep_highest(scores: Mapping[str, Tensor], density: float) -> Choice:
    """The `density` of all weights with the highest scores, over all matrices together; at least one."""
    flat = torch.cat([values.flatten() for values in scores.values()])
    kept = torch.zeros_like(flat, dtype=torch.bool)
    kept[flat.topk(max(1, round(density * len(flat))), sorted=False).indices] = True
    return _split(kept, scores)


def keep_units(importance: Mapping[str, Tensor], weights_per_unit: Mapping[str, int], density: float) -> Choice:
    """The units of the highest importance per weight that together have at most the `density` of all weights.

    The best one stays, whatever it has. `importance`: name of a sublayer -> (units,); minus infinity for what is gone.
    """
    weights = torch.cat([torch.full_like(v, weights_per_unit[name]) for name, v in importance.items()]).double()
    flat = torch.cat([values.flatten() for values in importance.values()]).double()
    order = (flat / weights).argsort(descending=True, stable=True)
    within = weights[order].cumsum(0) <= density * weights.sum()
    within[0] = True
    return _split(torch.zeros_like(within).index_copy(0, order, within & flat[order].isfinite()), importance)


def _split(flat: Tensor, like: Mapping[str, Tensor]) -> Choice:
    parts = torch.split(flat, [values.numel() for values in like.values()])
    return {name: part.view_as(values) for (name, values), part in zip(like.items(), parts, strict=True)}


def random_like(kept: Mapping[str, Tensor], generator: torch.Generator) -> Choice:
    """A random choice of as many in each tensor as `kept` has there.

    Of two choices, one inside the other, the same generator gives two such.
    """
    found = {}
    for name, values in kept.items():
        ranks = torch.rand(values.numel(), generator=generator).argsort().argsort()
        found[name] = (ranks < int(values.sum())).view(values.shape)
    return found


def shuffled(kept: Mapping[str, Tensor], generator: torch.Generator) -> Choice:
    """`kept` with the entries of each tensor in a random order."""
    return {
        name: values.flatten()[torch.randperm(values.numel(), generator=generator).to(values.device)].view(values.shape)
        for name, values in kept.items()
    }
