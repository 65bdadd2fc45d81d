"""What a run's model keeps of the dense model, as masks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from prune.overlap.jaccard import Mask, Overlap, overlap_of, pooled

HEADS, DIMENSIONS, WEIGHTS = "heads", "dimensions", "weights"
KINDS = {"units": (HEADS, DIMENSIONS), "weights": (WEIGHTS,)}
"""What is compared -> the kinds of it, each compared by itself."""


class Place(NamedTuple):
    """A sublayer of the dense model."""

    layer: str
    """As figures name it: `layer 0`, or `decoder 0 cross`."""
    site: str


Masks = Mapping[Place, Mapping[str, Mask]]
"""Sublayer -> matrix -> its mask. Of units, the name of the matrix is empty."""


@dataclass(frozen=True)
class Kept:
    """What is left of each sublayer."""

    units: Masks
    weights: Masks = field(default_factory=dict)
    """Empty where the model's weights are not at hand. A sublayer whose layer was left out has no matrices."""

    def masks(self, kind: str) -> Masks:
        """Those of `HEADS`, `DIMENSIONS` or `WEIGHTS`."""
        if kind == WEIGHTS:
            return self.weights
        site = {HEADS: "attention", DIMENSIONS: "feed_forward"}[kind]
        return {place: masks for place, masks in self.units.items() if place.site == site}

    def shape(self, kind: str) -> Hashable:
        """What two models must have in common to be compared: their sublayers, with all units, and the sizes of
        matrices."""
        sublayers = frozenset((place, mask.size) for place, masks in self.units.items() for mask in masks.values())
        masks = self.masks(kind).items()
        return sublayers, frozenset((place.site, name, mask.size) for place, of in masks for name, mask in of.items())


def overlaps_of(first: Masks, second: Masks) -> dict[Place, Overlap]:
    """The overlap of each sublayer of two models of one shape. A matrix that one of them lacks is all removed there."""
    return {place: pooled(_overlaps(first.get(place, {}), second.get(place, {}))) for place in {**first, **second}}


def _overlaps(first: Mapping[str, Mask], second: Mapping[str, Mask]) -> Iterable[Overlap]:
    for name, mask in {**first, **second}.items():
        nothing = Mask.nothing_of(mask.size)
        yield overlap_of(first.get(name, nothing), second.get(name, nothing))
