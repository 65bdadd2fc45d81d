"""Runs compared each with each: over the pairs of seeds of two configurations, or one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from prune.overlap.jaccard import Overlap, pooled
from prune.overlap.kept import Kept, overlaps_of
from prune.results.rows import grouped

ANY, SAME, DIFFERENT = SEEDS = ("any", "same", "different")
"""Which pairs of runs count, by their seeds. Those of one seed began with the same dense model, and drew the same."""


@dataclass(frozen=True)
class Figures:
    """Means over pairs of runs; None where no pair has anything to compare."""

    pairs: int
    """Those that have something to compare."""
    jaccard: float | None
    expected: float | None
    """What random masks of the same densities give."""
    excess: float | None
    """The index beyond that."""
    deviation: float | None
    """Standard deviation of the index of one pair of random masks."""

    @staticmethod
    def over(overlaps: Iterable[Overlap]) -> Figures:
        """The means over `overlaps`, one for each pair."""
        known = [one for one in overlaps if one.is_open]
        if not known:
            return Figures(0, None, None, None, None)
        each = [(one.index or 0.0, one.expected or 0.0, one.deviation or 0.0) for one in known]
        jaccard, expected, deviation = (sum(values) / len(known) for values in zip(*each, strict=True))
        return Figures(len(known), jaccard, expected, jaccard - expected, deviation)


@dataclass(frozen=True)
class Layer:
    """One sublayer."""

    layer: str
    site: str
    figures: Figures


@dataclass(frozen=True)
class Pair:
    """Two members of a comparison; the same one twice: between its seeds."""

    first: int
    second: int
    """Their numbers, `first` <= `second`."""
    figures: Figures
    """Of all layers as one."""
    layers: list[Layer]


@dataclass(frozen=True)
class Comparison:
    """One kind of what is kept, between runs of dense models of one shape."""

    kind: str
    """heads, dimensions or weights."""
    model: str
    members: list[str]
    """What is compared: configurations, or single runs."""
    runs: list[int]
    """How many runs each of them has."""
    pairs: list[Pair] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether no pair has anything to compare."""
        return all(pair.figures.jaccard is None for pair in self.pairs)

    @property
    def has_several_pairs(self) -> bool:
        """Whether some figure is a mean over several pairs."""
        return any(pair.figures.pairs > 1 for pair in self.pairs)

    def at(self, row: int, column: int) -> Pair | None:
        """The pair of two members, in either order; None where there is none, as between the seeds of a single run."""
        return self._by_numbers.get((min(row, column), max(row, column)))

    @cached_property
    def _by_numbers(self) -> dict[tuple[int, int], Pair]:
        return {(pair.first, pair.second): pair for pair in self.pairs}


def without_closed(comparison: Comparison) -> Comparison:
    """The members that have something to compare with another one, or between their seeds."""
    open_pairs = [pair for pair in comparison.pairs if pair.figures.jaccard is not None]
    left = sorted({number for pair in open_pairs for number in (pair.first, pair.second)})
    new = {number: place for place, number in enumerate(left)}
    return replace(
        comparison,
        members=[comparison.members[number] for number in left],
        runs=[comparison.runs[number] for number in left],
        pairs=[
            replace(pair, first=new[pair.first], second=new[pair.second])
            for pair in comparison.pairs
            if {pair.first, pair.second} <= new.keys()
        ],
    )


@dataclass(frozen=True)
class Run:
    """What one run keeps."""

    seed: int
    kept: Kept


@dataclass(frozen=True)
class Member:
    """A configuration with its runs, or a single run."""

    name: str
    model: str
    runs: list[Run]


def compared(members: Sequence[Member], kind: str, seeds: str = ANY) -> list[Comparison]:
    """The members that hold masks of `kind`, each with each, one comparison for each shape of dense model.

    A member whose runs differ in shape is in several of them. What is alone of its shape, with one run, has a
    comparison without pairs.

    Args:
        seeds: Which pairs of runs count, one of `SEEDS`.
    """
    return [_comparison(kind, of_shape, seeds) for of_shape in _by_shape(members, kind)]


def _by_shape(members: Sequence[Member], kind: str) -> Iterator[list[Member]]:
    """For each shape its members, with those of their runs that have it."""
    runs = [(number, run) for number, member in enumerate(members) for run in member.runs if run.kept.masks(kind)]
    for of_shape in grouped(runs, lambda one: one[1].kept.shape(kind)).values():
        of_members = grouped(of_shape, lambda one: one[0])
        yield [replace(members[number], runs=[run for _, run in of_one]) for number, of_one in of_members.items()]


def _comparison(kind: str, members: Sequence[Member], seeds: str) -> Comparison:
    numbers = itertools.combinations_with_replacement(range(len(members)), 2)
    pairs = [_pair(members, first, second, kind, seeds) for first, second in numbers]
    models = dict.fromkeys(member.model for member in members)
    names, runs = [member.name for member in members], [len(member.runs) for member in members]
    return Comparison(kind, ", ".join(models), names, runs, [pair for pair in pairs if pair is not None])


def _pair(members: Sequence[Member], first: int, second: int, kind: str, seeds: str) -> Pair | None:
    """None: no pair of their runs counts."""
    a, b = members[first].runs, members[second].runs
    runs = itertools.combinations(a, 2) if first == second else itertools.product(a, b)
    found = [
        overlaps_of(one.kept.masks(kind), other.kept.masks(kind))
        for one, other in runs
        if seeds == ANY or (seeds == SAME) == (one.seed == other.seed)
    ]
    if not found:
        return None
    layers = [Layer(*place, Figures.over(one[place] for one in found)) for place in found[0]]
    return Pair(first, second, Figures.over(pooled(one.values()) for one in found), layers)
