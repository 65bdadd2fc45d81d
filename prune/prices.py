"""What a model costs, in time or in weights: a part of it outside its sublayers, and each of those by what it keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from prune.measure.latency import LatencyTable
from prune.shrink.unread import may_be_last
from prune.sublayers import Sublayer


@dataclass(frozen=True)
class Prices:
    """Of one way to compute the model."""

    of: Callable[[Sublayer, int], float]
    """What a sublayer costs that keeps so many units; infinite where it cannot keep them."""
    outside: float
    """What the model costs beside its sublayers."""
    gaps: bool = True
    """Whether attentions may lose all heads before one that keeps some."""
    to_choose: bool = True
    """Whether a model may be chosen to be computed so; one whose units are given may be in any case."""

    def total(self, sublayers: Sequence[Sublayer], units: Mapping[str, int]) -> float:
        """What a model costs whose `sublayers` keep so many units."""
        return self.outside + sum(self.of(s, units[s.name]) for s in sublayers)


def times(
    table: LatencyTable, dense: Sequence[Sublayer], sublayers: Sequence[Sublayer], first_token_only: bool
) -> tuple[Prices, ...]:
    """In milliseconds, of a model of `sublayers`, some of the `dense` model's.

    With `first_token_only` two for each attention that may be the last with heads: the layers after it cost as much as
    one token does, and it keeps a head; with the second so do all attentions before it. The first that may be the last
    need not keep one: that is also the way of a model without any heads. The last one is to be chosen in the second
    half of the layers: importance, which is that of single heads, says too little of whole attentions (docs/LOG.md).
    """
    outside = table.dense_ms - sum(table.of(s, s.num_units) for s in dense)
    if not first_token_only:
        return (Prices(table.of, outside),)
    attentions = [s for s in sublayers if s.site == "attention"]
    able = may_be_last(sublayers)
    ways = []
    for place, last in enumerate(able):
        until = partial(_until, table, outside, sublayers, last, to_choose=2 * place >= len(able) - 1)
        ways.append(until(needed=frozenset({last.name} if place else ()), gaps=True))
        ways.append(until(needed=frozenset(s.name for s in attentions[: attentions.index(last) + 1]), gaps=False))
    return tuple(ways)


def _until(
    table: LatencyTable,
    outside: float,
    sublayers: Sequence[Sublayer],
    last: Sublayer,
    *,
    needed: frozenset[str],
    gaps: bool,
    to_choose: bool,
) -> Prices:
    after = {s.name for s in sublayers[sublayers.index(last) + 1 :]}
    layers_of_one_token = sum(s.site == "attention" for s in sublayers if s.name in after) + 1

    def of(sublayer: Sublayer, units: int) -> float:
        if sublayer.name in needed and not units:
            return math.inf
        if sublayer.name not in after:
            return table.of(sublayer, units)
        if sublayer.site == "attention":
            return math.inf if units else 0.0
        return table.of(sublayer, units) / table.tokens

    return Prices(of, outside - layers_of_one_token * table.layer_ms, gaps, to_choose)
