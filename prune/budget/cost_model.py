"""What a model costs, in time or in weights: a part of it outside its sublayers, and each of those by what it keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from prune.budget.latency_table import LatencyTable
from prune.compaction.first_token import may_be_last
from prune.models.sublayers import Sublayer


@dataclass(frozen=True)
class CostModel:
    """Of one way to compute the model."""

    of: Callable[[Sublayer, int], float]
    """What a sublayer costs that keeps so many units; infinite where it cannot keep them."""
    outside: float
    """What the model costs beside its sublayers."""

    def total(self, sublayers: Sequence[Sublayer], units: Mapping[str, int]) -> float:
        """What a model costs whose `sublayers` keep so many units."""
        return self.outside + sum(self.of(s, units[s.name]) for s in sublayers)


def latency_cost_models(
    table: LatencyTable,
    dense: Sequence[Sublayer],
    sublayers: Sequence[Sublayer],
    first_token_only: bool,
    token_shares: Mapping[str, float] = MappingProxyType({}),
) -> tuple[CostModel, ...]:
    """In milliseconds, of a model of `sublayers`, some of the `dense` model's.

    `token_shares`: name of a sublayer -> the share of the tokens that it is given, to which its time is taken to be
    proportional.

    With `first_token_only` one for each attention that may be the last with heads: the layers after it cost as much as
    one token does, and it keeps a head. The first of them need not: that is also the way of a model without any heads.
    """
    outside = table.dense_ms - sum(table.of(s, s.num_units) for s in dense)

    def ms(sublayer: Sublayer, units: int) -> float:
        return table.of(sublayer, units) * token_shares.get(sublayer.name, 1.0)

    if not first_token_only:
        return (CostModel(ms, outside),)
    first, *others = may_be_last(sublayers)
    until = partial(_until, table, ms, outside, sublayers)
    return until(first, needed=frozenset()), *(until(last, needed=frozenset({last.name})) for last in others)


def _until(
    table: LatencyTable,
    ms: Callable[[Sublayer, int], float],
    outside: float,
    sublayers: Sequence[Sublayer],
    last: Sublayer,
    needed: frozenset[str],
) -> CostModel:
    after = {s.name for s in sublayers[sublayers.index(last) + 1 :]}
    layers_of_one_token = sum(s.site == "attention" for s in sublayers if s.name in after) + 1

    def of(sublayer: Sublayer, units: int) -> float:
        if sublayer.name in needed and not units:
            return math.inf
        if sublayer.name not in after:
            return ms(sublayer, units)
        if sublayer.site == "attention":
            return math.inf if units else 0.0
        return table.of(sublayer, units) / table.tokens

    return CostModel(of, outside - layers_of_one_token * table.layer_ms)
