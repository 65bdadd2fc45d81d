"""A shape: how many units each sublayer keeps, whatever time a machine would measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from prune.budget.budget import Kept
from prune.budget.knapsack import best_units
from prune.errors import UserError
from prune.models.sublayers import SITES, Sublayer
from prune.models.units import all_units
from prune.runtime.sanitize import shown

Shape = Mapping[str, Sequence[int]]
"""Site -> number of units of its sublayers, in their order."""


def shape_of(kept: Mapping[str, Sequence[int]], sublayers: Sequence[Sublayer]) -> dict[str, list[int]]:
    """The shape of a model that keeps these units."""
    return {site: [len(kept[s.name]) for s in sublayers if s.site == site] for site in SITES}


def counts_of(shape: Shape, sublayers: Sequence[Sublayer]) -> dict[str, int]:
    """Name of each sublayer -> how many units it keeps."""
    return {
        s.name: count
        for site in SITES
        for s, count in zip((s for s in sublayers if s.site == site), shape[site], strict=True)
    }


def units_of(shape: Shape, sublayers: Sequence[Sublayer], importance: Mapping[str, Tensor]) -> Kept:
    """The most important units of each sublayer, as many as it keeps."""
    counts = counts_of(shape, sublayers)
    lost = {s.name for s in sublayers if counts[s.name] < s.num_units}
    return all_units(sublayers) | {name: best_units(importance[name], counts[name]) for name in lost}


def check_shape(shape: Any, sublayers: Sequence[Sublayer]) -> None:
    """Raises a UserError where a model with these `sublayers` cannot have this `shape`."""
    for site in SITES:
        whole = [s.num_units for s in sublayers if s.site == site]
        counts = shape[site]
        if len(counts) != len(whole) or not all(0 <= n <= most for n, most in zip(counts, whole, strict=True)):
            raise UserError(
                f"method.shape: {site}={shown(list(counts))}: this model has {len(whole)} such sublayers, of at most "
                f"{', '.join(map(str, whole))} units. With method.shape=[] a shape is chosen anew"
            )
