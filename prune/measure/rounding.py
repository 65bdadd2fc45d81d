"""Which widths of matrices this machine likes: measured once per device, number format and size, and kept."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from prune.measure.cache import machine, remembered
from prune.measure.speed import seconds

CANDIDATES = (1, 8, 16, 32, 64)
_TOKENS = 1024
_SHARES = (0.11, 0.23, 0.37, 0.53, 0.71)
_REPEATS = 7


def fastest_multiple(
    hidden: int, width: int, device: torch.device, dtype: torch.dtype, say: Callable[[str], None] = lambda _: None
) -> int:
    """The multiple to which widths below `width` are best rounded up, between matrices of `hidden` features."""
    key = f"{machine(device, dtype)}, {hidden} x {width}"
    measure = partial(_measured, hidden, width, device, dtype)
    return int(remembered("round_to.json", key, measure, CANDIDATES.__contains__, say))


def rounded_up(count: int, multiple: int, at_most: int) -> int:
    """The next multiple, but no more than there are."""
    return min(-(-count // multiple) * multiple, at_most)


@torch.inference_mode()
def _measured(hidden: int, width: int, device: torch.device, dtype: torch.dtype) -> int:
    """The candidate with the least time over several widths; they take turns, so that all see the same weather."""
    inputs = torch.randn(_TOKENS, hidden, device=device, dtype=dtype)
    layers = {
        multiple: [
            nn.Sequential(nn.Linear(hidden, size), nn.Linear(size, hidden)).to(device, dtype)
            for share in _SHARES
            for size in [rounded_up(int(share * width) | 1, multiple, width)]
        ]
        for multiple in CANDIDATES
    }
    times: dict[int, list[float]] = {multiple: [] for multiple in CANDIDATES}
    for _ in range(_REPEATS):
        for multiple, pairs in layers.items():
            times[multiple].append(sum(seconds(device, lambda pair=pair: pair(inputs)) for pair in pairs))  # type: ignore[misc]
    return min(CANDIDATES, key=lambda multiple: statistics.median(times[multiple]))
