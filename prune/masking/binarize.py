"""Scores -> {0, 1}.

Straight-through (Bengio et al. 2013): the step function has gradient 1, so dL/dS_g = dL/dM_g (Sanh et al. 2020, eq. 3
and 5; blocks: Lagunas et al. 2021, section 3).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, kept: Tensor) -> Tensor:
        return kept.to(scores.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None


def straight_through(scores: Tensor, kept: Tensor) -> Tensor:
    """The mask `kept` (bool, any shape) as numbers, with gradient 1 towards `scores` (same shape)."""
    result: Tensor = _StraightThrough.apply(scores, kept)  # type: ignore[no-untyped-call]
    return result


def cut_for_density(ranks: Tensor, density: float) -> Tensor:
    """The lowest of the top `density` of `ranks` (any shape): what is at least that high is kept.

    At least one grain is kept, since density is above 0; grains that tie with the cut are kept too.
    """
    flat = ranks.detach().flatten()
    num_kept = max(1, round(density * flat.numel()))
    return torch.kthvalue(flat, flat.numel() - num_kept + 1).values
