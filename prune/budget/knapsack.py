"""Which units stay within a budget: the least loss of importance at a cost that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prune.models.sublayers import Sublayer

Array = NDArray[np.float64]
_STEPS = 4096
"""Costs beyond the cheapest are counted in so many parts of what the budget leaves for them, rounded up: what is chosen
never exceeds it."""
_NOTHING = 1e-12
"""The share of the largest cost that a part has where nothing is left: then only what costs no more is within it."""
_FEWEST_OPTIONS = 64


def options(sublayer: Sublayer) -> list[int]:
    """Numbers of units that may stay: any number of heads; dimensions in 64 to 127 steps where there are as many."""
    step = max(1, sublayer.num_units // _FEWEST_OPTIONS) if sublayer.site == "feed_forward" else 1
    return sorted({*range(0, sublayer.num_units, step), sublayer.num_units})


def choose(
    sublayers: Sequence[Sublayer],
    importance: Mapping[str, Tensor],
    cost: Callable[[Sublayer, int], float],
    budget: float,
) -> dict[str, tuple[int, ...]]:
    """The units that stay in each sublayer, so that their costs are within `budget` and the least importance is lost.

    `importance`: name -> (units,), of the loss that removing a unit brings; `cost`: of a sublayer that keeps so many,
    infinite where it may not.
    """
    counts = [options(sublayer) for sublayer in sublayers]
    lost = [_lost(importance[s.name], ns) for s, ns in zip(sublayers, counts, strict=True)]
    costs = [np.array([cost(s, n) for n in ns]) for s, ns in zip(sublayers, counts, strict=True)]
    taken = knapsack(lost, costs, budget)
    return {
        s.name: best_units(importance[s.name], ns[index]) for s, ns, index in zip(sublayers, counts, taken, strict=True)
    }


def best_units(importance: Tensor, count: int) -> tuple[int, ...]:
    """The numbers of the `count` units of most importance (units,), rising."""
    return tuple(sorted(importance.argsort(descending=True, stable=True)[:count].tolist()))


def importance_left(importance: Mapping[str, Tensor], kept: Mapping[str, tuple[int, ...]]) -> float:
    """The importance of all units that are kept."""
    return float(sum(importance[name].double().cpu()[list(units)].sum() for name, units in kept.items()))


def _lost(importance: Tensor, counts: Sequence[int]) -> Array:
    """The importance that is lost where so many of the best units stay."""
    rising = np.concatenate([[0.0], np.cumsum(np.sort(importance.double().cpu().numpy()))])
    return np.asarray(rising[len(rising) - 1 - np.asarray(counts)])


def knapsack(losses: Sequence[Array], costs: Sequence[Array], budget: float) -> list[int]:
    """One option of each group, of least total loss at a total cost within `budget` (multiple-choice knapsack).

    Dynamic programming over what the budget leaves beyond the cheapest options, in 4,096 parts.

    Raises:
        ValueError: if even the cheapest options exceed the budget.
    """
    cheapest = [float(of_group.min()) for of_group in costs]
    room = budget - sum(cheapest)
    largest = max((float(of_group[np.isfinite(of_group)].max()) for of_group in costs), default=0.0)
    if room < -_NOTHING * max(largest, budget):
        raise ValueError("the cheapest options exceed the budget")
    best: Array = np.zeros(_STEPS + 1)
    choices: list[NDArray[np.int64]] = []
    part = max(room / _STEPS, _NOTHING * largest, np.finfo(float).tiny)
    beyond = [of_group - least for of_group, least in zip(costs, cheapest, strict=True)]
    parts = [np.ceil(np.clip(of_group / part, 0.0, _STEPS + 1) - 1e-6).astype(int) for of_group in beyond]
    for of_group, steps in zip(losses, parts, strict=True):
        totals = np.full((len(of_group), _STEPS + 1), np.inf)
        for option, (loss, step) in enumerate(zip(of_group, steps, strict=True)):
            if step <= _STEPS:
                totals[option, step:] = best[: _STEPS + 1 - step] + loss
        choices.append(totals.argmin(0))
        best = totals.min(0)
    taken, left = [], _STEPS
    for options_at, steps in zip(reversed(choices), reversed(parts), strict=True):
        option = int(options_at[left])
        taken.append(option)
        left -= int(steps[option])
    return taken[::-1]
