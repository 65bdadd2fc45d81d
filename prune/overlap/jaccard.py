"""The Jaccard index of two masks, and what random masks of the same densities give."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WORD = 8
"""Bytes that are counted at once."""


@dataclass(frozen=True)
class Mask:
    """Which units of a sublayer, or weights of a matrix, are kept."""

    bits: NDArray[np.uint64]
    """A bit for each; those after the last are zero."""
    size: int
    num_kept: int

    @staticmethod
    def of(kept: NDArray[np.bool_]) -> Mask:
        """The mask that `kept`, of any shape, is."""
        packed = np.packbits(kept)
        words = np.zeros(-(-len(packed) // _WORD) * _WORD, dtype=np.uint8)
        words[: len(packed)] = packed
        return Mask(words.view(np.uint64), kept.size, int(np.count_nonzero(kept)))

    @staticmethod
    def nothing_of(size: int) -> Mask:
        """The mask that keeps none of `size`."""
        return Mask.of(np.zeros(size, dtype=np.bool_))

    @property
    def is_partial(self) -> bool:
        """Whether it keeps some and removes some."""
        return 0 < self.num_kept < self.size


@dataclass(frozen=True)
class Overlap:
    """What two masks have in common; of several parts of a model, the sums over these."""

    both: float
    """How many both keep."""
    either: float
    """How many at least one of them keeps."""
    expected_both: float
    """How many both keep on average if one of the two masks is drawn at random, as dense in each part."""
    variance: float
    """Of how many both keep, for such random masks."""
    is_open: bool
    """Whether the densities leave open how many both keep: in some part each keeps some and removes some."""

    @property
    def index(self) -> float | None:
        """The Jaccard index, both / either, from 0 (disjoint) to 1 (the same); None: there is nothing to compare."""
        return self.both / self.either if self.is_open else None

    @property
    def expected(self) -> float | None:
        """What random masks give: p q / (p + q - p q) for densities p and q.

        It is the ratio of the expected values of `both` and `either`. Their ratio's own expected value is a little
        higher, by the order of 1 / `either`.
        """
        either = self.either + self.both - self.expected_both
        return self.expected_both / either if self.is_open else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation of the index of random masks, by its slope in `both` at the expected value."""
        kept = self.either + self.both
        slope = kept / (kept - self.expected_both) ** 2 if kept else 0.0
        return slope * math.sqrt(self.variance) if self.is_open else None


def overlap_of(first: Mask, second: Mask) -> Overlap:
    """The overlap of two masks of one size. Of random ones, the number that both keep is hypergeometric."""
    both = int(np.bitwise_count(first.bits & second.bits).sum())
    expected = first.num_kept * second.num_kept / first.size
    removed = (first.size - first.num_kept) * (second.size - second.num_kept)
    return Overlap(
        both=both,
        either=first.num_kept + second.num_kept - both,
        expected_both=expected,
        variance=expected * removed / first.size / max(1, first.size - 1),
        is_open=first.is_partial and second.is_partial,
    )


def pooled(overlaps: Iterable[Overlap]) -> Overlap:
    """Several parts of a model as one: all units or weights count alike; each part keeps its own densities."""
    parts = list(overlaps)
    return Overlap(
        both=sum(part.both for part in parts),
        either=sum(part.either for part in parts),
        expected_both=sum(part.expected_both for part in parts),
        variance=sum(part.variance for part in parts),
        is_open=any(part.is_open for part in parts),
    )
