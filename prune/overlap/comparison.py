"""Runs compared each with each: over the pairs of seeds of two configurations, or one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from prune.overlap.jaccard import Overlap, pooled
from prune.overlap.kept import Kept, Masks, overlaps_of
from prune.results.rows import grouped


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

    @staticmethod
    def over(overlaps: Iterable[Overlap]) -> Figures:
        """The means over `overlaps`, one for each pair."""
        found = [(one.index, one.expected) for one in overlaps]
        known = [(index, expected) for index, expected in found if index is not None and expected is not None]
        if not known:
            return Figures(0, None, None, None)
        jaccard, expected = (sum(values) / len(known) for values in zip(*known, strict=True))
        return Figures(len(known), jaccard, expected, jaccard - expected)


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
        """The pair of two members, in either order; None on the diagonal of a member with one run."""
        return self._by_numbers.get((min(row, column), max(row, column)))

    @cached_property
    def _by_numbers(self) -> dict[tuple[int, int], Pair]:
        return {(pair.first, pair.second): pair for pair in self.pairs}


@dataclass(frozen=True)
class Member:
    """A configuration with its runs, or a single run."""

    name: str
    model: str
    kept: list[Kept]


def compared(members: Sequence[Member], kind: str) -> list[Comparison]:
    """The members that hold masks of `kind`, each with each, one comparison for each shape of dense model.

    A member whose runs differ in shape is in several of them. What is alone of its shape, with one run, has a
    comparison without pairs.
    """
    return [_comparison(kind, list(of_shape)) for of_shape in _by_shape(members, kind)]


def _by_shape(members: Sequence[Member], kind: str) -> Iterable[list[tuple[Member, list[Masks]]]]:
    """For each shape its members, with the masks of their runs."""
    runs = [(number, kept) for number, member in enumerate(members) for kept in member.kept if kept.masks(kind)]
    for of_shape in grouped(runs, lambda run: run[1].shape(kind)).values():
        of_members = grouped(of_shape, lambda run: run[0])
        yield [(members[number], [kept.masks(kind) for _, kept in of_one]) for number, of_one in of_members.items()]


def _comparison(kind: str, members: Sequence[tuple[Member, list[Masks]]]) -> Comparison:
    pairs = [
        _pair((first, second), itertools.combinations(a, 2) if first == second else itertools.product(a, b))
        for (first, (_, a)), (second, (_, b)) in itertools.combinations_with_replacement(enumerate(members), 2)
        if first != second or len(a) > 1
    ]
    models = dict.fromkeys(member.model for member, _ in members)
    return Comparison(
        kind, ", ".join(models), [member.name for member, _ in members], [len(masks) for _, masks in members], pairs
    )


def _pair(numbers: tuple[int, int], runs: Iterable[tuple[Masks, Masks]]) -> Pair:
    found = [overlaps_of(first, second) for first, second in runs]
    layers = [Layer(*place, Figures.over(one[place] for one in found)) for place in found[0]]
    return Pair(*numbers, Figures.over(pooled(one.values()) for one in found), layers)
