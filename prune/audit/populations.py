"""What several models of one kind say about the same examples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 3
"""Models of a population, below which its spread says nothing."""
MOST_HALVINGS = 126
"""All of ten models; of more models so many are drawn."""
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Population:
    """Models that differ in their seed only."""

    answers: NDArray[np.integer[Any]]
    """(models, examples): a number for each answer; of a classifier that of the label."""
    scores: Floats
    """(models, examples): how good each answer is, the higher the better; of a classifier 1 where it is right, or 0."""
    seeds: tuple[int, ...] = ()
    """One per model, where they are known."""
    probabilities: Floats | None = None
    """(models, examples, labels), where all models have them."""

    @property
    def size(self) -> int:
        """How many models."""
        return len(self.scores)


@dataclass(frozen=True)
class Halving:
    """A population parted in two: the numbers of the models of each part."""

    first: tuple[int, ...]
    second: tuple[int, ...]


def halvings(size: int) -> list[Halving]:
    """All ways to part so many models into two halves, of which one may have a model more; not more than 126, drawn."""
    if size < 2:
        return []
    small, everyone = size // 2, frozenset(range(size))
    total = math.comb(size, small) // (2 if size % 2 == 0 else 1)
    if total <= MOST_HALVINGS:
        chosen: Iterator[tuple[int, ...]] | list[tuple[int, ...]] = combinations(range(size), small)
        if size % 2 == 0:
            chosen = [half for half in chosen if 0 in half]  # its other half would part them in the same way
    else:
        chosen = _drawn(size, small)
    return [Halving(half, tuple(sorted(everyone - set(half)))) for half in chosen]


def _drawn(size: int, small: int) -> list[tuple[int, ...]]:
    generator = np.random.default_rng(0)
    return [tuple(sorted(generator.choice(size, small, replace=False).tolist())) for _ in range(MOST_HALVINGS)]


def membership(groups: Sequence[Sequence[int]], size: int) -> Floats:
    """(groups, models): the share of each model in the mean over its group."""
    shares = np.zeros((len(groups), size))
    for row, members in enumerate(groups):
        shares[row, list(members)] = 1 / len(members)
    return shares
