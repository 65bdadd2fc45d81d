"""Goals: a target as costs and a budget, and the units that stay within it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig

from prune.errors import UserError
from prune.measure import size
from prune.measure.latency import LatencyTable
from prune.shrink.choice import choose
from prune.sublayers import Sublayer
from prune.targets import Target

_ATTEMPTS = 5
_AIM, _ABOVE = 1.02, 1.05
"""Measured speed-ups are aimed at, and accepted up to, so many times the one that is asked for: never below it."""


@dataclass(frozen=True)
class Goal:
    """What may be spent, in whatever the target counts."""

    target: Target
    sublayers: list[Sublayer]
    cost: Callable[[Sublayer, int], float]
    """Of a sublayer that keeps so many units."""
    fixed: float
    """Cost of what cannot be pruned."""
    budget: float
    """What everything may cost."""
    ratio: Callable[[Mapping[str, tuple[int, ...]]], float] | None = None
    """For times: dense time over that of the model with these units, measured; and `asked`, what it shall be."""
    asked: float = 1.0

    def choose(self, importance: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
        """The units that stay: name of each sublayer -> numbers. Times are measured, and the budget is corrected."""
        kept = self._choose(importance, self.budget)
        if self.ratio is None:
            return kept
        budget = self.budget
        for _ in range(_ATTEMPTS):
            measured = self.ratio(kept)
            if self.asked <= measured <= _ABOVE * self.asked:
                break
            budget *= measured / (_AIM * self.asked)
            kept = self._choose(importance, max(budget, self.fixed))
        return kept

    def _choose(self, importance: Mapping[str, Tensor], budget: float) -> dict[str, tuple[int, ...]]:
        return choose(self.sublayers, importance, self.cost, budget - self.fixed)


def size_goal(target: Target, sublayers: list[Sublayer], auto_class: str, config: PreTrainedConfig) -> Goal:
    """For a density, or a share of all parameters.

    Raises:
        UserError: if the target cannot be reached.
    """
    with torch.device("meta"):
        model = getattr(transformers, auto_class).from_config(config)
    per_unit = {s.name: _weights_per_unit(s) for s in sublayers}
    total: float = size.num_prunable(sublayers)
    if target.kind == "params":
        per_unit = {s.name: per_unit[s.name] + _biases_per_unit(s, model.base_model) for s in sublayers}
        total = size.num_parameters(model)
    prunable = sum(per_unit[s.name] * s.num_units for s in sublayers)
    fixed = total - prunable if target.kind == "params" else 0.0
    if target.value * total <= fixed:
        raise UserError(f"target.{target.kind}={target.value:g}: this model can have from {fixed / total:.3g} to 1")
    return Goal(target, sublayers, lambda s, units: per_unit[s.name] * units, fixed, target.value * total)


def time_goal(
    target: Target,
    sublayers: list[Sublayer],
    table: LatencyTable,
    ratio: Callable[[Mapping[str, tuple[int, ...]]], float],
) -> Goal:
    """For a speed-up, or a time of one batch.

    Raises:
        UserError: if the target cannot be reached on this machine.
    """
    fixed = table.rest(sublayers)
    fastest = table.dense_ms / fixed
    asked = target.value if target.kind == "speedup" else table.dense_ms / target.value
    if not 1.0 <= asked < fastest:
        possible = (
            f"1 to {fastest:.1f} times"
            if target.kind == "speedup"
            else f"{fixed:.3g} to {table.dense_ms:.3g} ms (the unpruned model)"
        )
        raise UserError(
            f"target.{target.kind}={target.value:g}: here, at the last of evaluate.speed.batch_sizes, this model can "
            f"have {possible}"
        )
    return Goal(target, sublayers, table.of, fixed, table.dense_ms / (_AIM * asked), ratio, asked)


def _weights_per_unit(sublayer: Sublayer) -> int:
    return sum((m.columns if m.unit_axis == 0 else m.rows) * sublayer.unit_size for m in sublayer.matrices)


def _biases_per_unit(sublayer: Sublayer, base: torch.nn.Module) -> int:
    inputs = [*sublayer.matrices[:-1], *sublayer.followers]
    biases = sum(sublayer.unit_size for m in inputs if m.bias(base) is not None)
    return biases + sum(m.columns * sublayer.unit_size for m in sublayer.followers)
