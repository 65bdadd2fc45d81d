"""Budgets: what a target lets a model cost, and the units that stay within it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from prune.budget.cost_model import CostModel
from prune.budget.knapsack import choose, importance_left, options
from prune.config.targets import Target
from prune.errors import UserError
from prune.masking.masks import Masks
from prune.measure import size
from prune.models.architecture import skeleton
from prune.models.sublayers import Sublayer
from prune.models.units import all_units
from prune.runtime.wording import times_faster

Kept = dict[str, tuple[int, ...]]
"""Name of a sublayer -> numbers of the units that stay."""
Ratio = Callable[[Kept, int], float]
"""Time of the unpruned model over that of one that keeps these units, from at least so many pairs of measurements."""
_ATTEMPTS = 5
_FEW_PAIRS, PAIRS = 4, 15
"""Of measurements, at least: for a rough look, and to accept a choice."""
_AT_LEAST, _AIM, _AT_MOST = 1.015, 1.025, 1.04
"""Measured speed-ups are aimed at, and accepted between, so many times the one that is asked for: the record measures
anew, a percent or two off, and should be neither below it nor 5 % above."""

_NEAR = 0.5
"""Share of the speed-up that the table promises the smallest model, above which that is measured before it is believed:
where batches are small on a fast device, time goes into starting operations, and the table's small parts are noise."""

_OF_LAYERS = "; method.layers has left out layers already: raise it to ask for less"


@dataclass(frozen=True)
class Budget:
    """What may be spent, in whatever the target counts."""

    target: Target
    sublayers: list[Sublayer]
    """All that there are where pruning starts."""
    unpruned_sites: frozenset[str]
    """Sites at which nothing is pruned."""
    cost_models: tuple[CostModel, ...]
    """Of the ways to compute it; the cheapest that is possible counts."""
    dense_cost: float
    """What the unpruned model costs."""
    limit: float
    """What the pruned one may cost."""
    ratio: Ratio | None = None
    """Measures, where the target is a time."""
    speedup: float = 1.0
    """That is asked for, where the target is a time."""
    report: Callable[[str], None] = lambda _: None
    """Takes a line about what was measured."""
    of_weights: bool = False
    """Whether masked weights of kept units count as gone; a fill would free them again."""

    @property
    def pruned(self) -> list[Sublayer]:
        """The sublayers that units are removed from."""
        return [s for s in self.sublayers if s.site not in self.unpruned_sites]

    @cached_property
    def fixed(self) -> float:
        """Cost of what cannot be pruned."""
        return min(map(self._least, self._ways))

    @property
    def smallest(self) -> Kept:
        """The cheapest units that can be chosen."""
        nothing = {s.name: torch.zeros(s.num_units) for s in self.sublayers}
        return self._within(min(self._ways, key=self._least), nothing, 0.0)

    @property
    def _ways(self) -> tuple[CostModel, ...]:
        """Those to choose from. The last attention with heads is in the second half of the layers: importance, which is
        that of single heads, says too little of what all the later ones do together (docs/log/choosing_units.md)."""
        return self.cost_models[len(self.cost_models) // 2 :]

    def cost_of(self, units: Mapping[str, int]) -> float:
        """Of a model whose sublayers keep so many units."""
        return min(cost_model.total(self.sublayers, units) for cost_model in self.cost_models)

    def choose(self, importance: Mapping[str, Tensor]) -> Kept:
        """The units that stay, of those that matter as `importance` says."""
        way = self._way(importance, self.limit)
        chosen = partial(self._within, way, importance)
        return chosen(self.settle(chosen, self._least(way)))

    def choose_intermediate(self, importance: Mapping[str, Tensor], share: float) -> Kept:
        """The same where only a `share` of the way is gone, as a ratio: half of it to a quarter is a half."""
        budget = self.dense_cost * (self.limit / self.dense_cost) ** share
        return self._within(self._way(importance, budget), importance, budget)

    def settle(self, chosen: Callable[[float], Kept], least: float | None = None) -> float:
        """The budget with which `chosen` reaches the target. Times are measured, and the budget corrected.

        `least`: what the cheapest that can be chosen costs; None: `fixed`.
        """
        if self.ratio is None:
            return self.limit
        least = self.fixed if least is None else least
        # First roughly: the table's sum may be some percent off.
        budget = max(least, self._corrected(self.limit, self.ratio(chosen(self.limit), _FEW_PAIRS)))
        tried: list[tuple[float, float]] = []
        while True:
            measured = self.ratio(chosen(budget), PAIRS)
            tried.append((measured, budget))
            corrected = max(least, self._corrected(budget, measured))
            again = not self._is_met(measured) and corrected != budget and len(tried) < _ATTEMPTS
            self.report(f"          trial {len(tried)}: {self._judged(measured, again)}")
            if not again:
                break
            budget = corrected
        fast_enough = [one for one in tried if one[0] >= _AT_LEAST * self.speedup]
        taken = min(fast_enough) if fast_enough else max(tried)
        self.report(f"          taken: trial {tried.index(taken) + 1}, measured {taken[0]:.2f}")
        return taken[1]

    def _corrected(self, budget: float, measured: float) -> float:
        """The budget that would reach the speed-up aimed at, where `budget` reached the `measured` one."""
        return budget * measured / (_AIM * self.speedup)

    def _is_met(self, measured: float) -> bool:
        return _AT_LEAST * self.speedup <= measured <= _AT_MOST * self.speedup

    def _judged(self, measured: float, again: bool) -> str:
        """A trial in a sentence."""
        if self._is_met(measured):
            verdict = f"{100 * (_AT_LEAST - 1):g} to {100 * (_AT_MOST - 1):g} % more, as is wanted"
        elif measured > self.speedup * _AT_MOST:
            verdict = "faster than asked" + ", so more is kept and measured again" * again
        else:
            slow = "slower than asked" if measured < self.speedup else "too close to what is asked"
            verdict = slow + ", so less is kept and measured again" * again
        return f"chosen to be {times_faster(self.speedup)}, measured {measured:.2f}: {verdict}"

    def share_left(self, masks: Masks) -> float:
        """The share of the whole that `masks` leave."""
        if self.of_weights:
            return (self.fixed + sum(masks.num_kept(site) for site in masks.sites)) / self.dense_cost
        left = masks.units_left()
        units = {
            s.name: s.num_units if s.site in self.unpruned_sites else len(left.get(s.name, ())) for s in self.sublayers
        }
        return self.cost_of(units) / self.dense_cost

    def _way(self, importance: Mapping[str, Tensor], budget: float) -> CostModel:
        """The one that loses the least. It stays while a budget is corrected: tables are not equally right of all."""
        possible = [one for one in self._ways if self._least(one) <= budget] or [min(self._ways, key=self._least)]
        return max(possible, key=lambda one: importance_left(importance, self._within(one, importance, budget)))

    def _within(self, cost_model: CostModel, importance: Mapping[str, Tensor], budget: float) -> Kept:
        return all_units(self.sublayers) | choose(
            self.pruned, importance, cost_model.of, max(budget, self._least(cost_model)) - self._unpruned(cost_model)
        )

    def _least(self, cost_model: CostModel) -> float:
        return self._unpruned(cost_model) + sum(
            min(cost_model.of(s, units) for units in options(s)) for s in self.pruned
        )

    def _unpruned(self, cost_model: CostModel) -> float:
        return cost_model.outside + sum(
            cost_model.of(s, s.num_units) for s in self.sublayers if s.site in self.unpruned_sites
        )


def size_budget(
    target: Target,
    dense: list[Sublayer],
    sublayers: list[Sublayer],
    unpruned_sites: frozenset[str],
    auto_class: str,
    config: PreTrainedConfig,
    filled: bool = False,
) -> Budget:
    """For a density, or a share of all parameters: of a model of `config`, whose sublayers are `dense`.

    Where it will be `filled`, all weights of the units that stay count.

    Raises:
        UserError: if the target cannot be reached.
    """
    per_unit: dict[str, int] = {s.name: s.weights_per_unit for s in dense}
    whole = size.num_prunable(dense)
    if target.kind == "params":
        model = skeleton(config, auto_class)
        per_unit = {s.name: per_unit[s.name] + _biases_per_unit(s, model.base_model) for s in dense}
        whole = size.num_parameters(model)
    outside = whole - sum(per_unit[s.name] * s.num_units for s in dense)
    limit = target.value * whole
    cost_model = CostModel(lambda s, units: per_unit[s.name] * units, outside)
    of_weights = target.kind == "density" and not filled
    budget = Budget(target, sublayers, unpruned_sites, (cost_model,), whole, limit, of_weights=of_weights)
    most = budget.cost_of({s.name: s.num_units for s in sublayers})
    if not budget.fixed < budget.limit <= most:
        raise UserError(
            f"target.{target.kind}={target.value:g}: this model can have from {budget.fixed / whole:.3g} to "
            f"{most / whole:.3g}{_OF_LAYERS * (len(sublayers) < len(dense))}"
        )
    return budget


def time_budget(
    target: Target,
    cost_models: tuple[CostModel, ...],
    sublayers: list[Sublayer],
    unpruned_sites: frozenset[str],
    whole: float,
    ratio: Ratio,
    say: Callable[[str], None] = lambda _: None,
    *,
    shallower: bool = False,
    reference: float | None = None,
) -> Budget:
    """For a speed-up, or a time of one batch, of a model that takes `whole` milliseconds unpruned.

    `shallower`: whether layers are left out before anything is pruned; `reference`: what it takes unpruned where a
    speed-up is over another runtime, which `ratio` measures against.

    Raises:
        UserError: if the target cannot be reached on this machine.
    """
    compared = whole if reference is None else reference
    asked = target.value if target.kind == "speedup" else compared / target.value
    limit = compared / (_AIM * asked)
    budget = Budget(target, sublayers, unpruned_sites, cost_models, whole, limit, ratio, asked, say)
    fastest = compared / budget.fixed
    if _NEAR * fastest < asked < fastest:
        fastest = ratio(budget.smallest, PAIRS)
    starts_elsewhere = shallower or reference is not None
    slowest = max(1.0, ratio(all_units(sublayers), PAIRS)) if starts_elsewhere else 1.0
    if not max(1.0, slowest / _AT_MOST) <= asked < fastest:
        possible = f"can have {slowest:.3g}{' (unpruned)' * (reference is not None)} to {fastest:.2f} times"
        if target.kind == "latency_ms":
            unpruned = "" if shallower else " (the unpruned model)"
            possible = f"can have {compared / fastest:.3g} to {compared / slowest:.3g} ms{unpruned}"
        if fastest <= 1.0:
            possible = f"is no faster without all units that can be removed: {times_faster(fastest)}"
        raise UserError(
            f"target.{target.kind}={target.value:g}: here, at the last of evaluate.speed.batch_sizes, this model "
            f"{possible}{_OF_LAYERS * shallower}"
        )
    return budget


def _biases_per_unit(sublayer: Sublayer, base: torch.nn.Module) -> int:
    inputs = [*sublayer.inputs, *sublayer.followers]
    biases = sum(m.unit_size for m in inputs if m.bias(base) is not None)
    return biases + sum(m.weights_per_unit for m in sublayer.followers)
