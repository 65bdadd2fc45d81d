"""Scores -> {0, 1}.

Straight-through (Bengio et al. 2013): the step function has gradient 1, so dL/dS_g = dL/dM_g (Sanh et al. 2020, eq. 3
and 5; blocks: Lagunas et al. 2021, section 3).
"""

from __future__ import annotations

from math import gcd
from typing import Any

import torch
from torch import Tensor


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, ranks: Tensor, cut: Tensor | float, comparison: Any) -> Tensor:
        return comparison(ranks, cut, out=torch.empty_like(ranks))  # type: ignore[no-any-return]  # no bools between

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return grads[0], None, None, None


def straight_through(scores: Tensor, ranks: Tensor, cut: Tensor | float, comparison: Any = torch.ge) -> Tensor:
    """The mask `ranks >= cut` (or another comparison) as numbers, with gradient 1 towards `scores` (same shape)."""
    result: Tensor = _StraightThrough.apply(scores, ranks, cut, comparison)  # type: ignore[no-untyped-call]
    return result


def cut_for_density(ranks: Tensor, density: float) -> Tensor:
    """The lowest of the top `density` of `ranks` (any shape): what is at least that high is kept.

    At least one grain is kept, since density is above 0; grains that tie with the cut are kept too.
    """
    flat = ranks.detach().flatten()
    num_kept = max(1, round(density * flat.numel()))
    return torch.kthvalue(flat, flat.numel() - num_kept + 1).values


def sample(ranks: Tensor, stride: int) -> Tensor:
    """About one in `stride` of `ranks` (any shape) as a vector, from all rows and columns alike."""
    while stride > 1 and gcd(stride, ranks.shape[-1]) > 1:
        stride += 1
    return ranks.flatten()[::stride]
