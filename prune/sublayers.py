"""A transformer as pruning sees it: sublayers of inner units between input and output matrices.

An attention's inner units are its heads (`unit_size` = head size), a feed-forward layer's are its dimensions
(`unit_size` = 1). Units are rows of the input matrices (query, key, value; up) and columns of the output matrix
(output; down), so both kinds are masked and compacted by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from prune.families import Family, Place, SharedBias

SITES = ("attention", "feed_forward")


@dataclass(frozen=True)
class Matrix:
    """One prunable weight. `module` is relative to the model's base; shape (rows, columns) = (outputs, inputs)."""

    module: str
    rows: int
    columns: int
    unit_axis: int
    """0: the sublayer's units are rows; 1: they are columns."""


@dataclass(frozen=True)
class Sublayer:
    """One attention or feed-forward layer."""

    name: str
    site: str
    matrices: tuple[Matrix, ...]
    num_units: int
    unit_size: int
    counts: Mapping[str, str]
    """Attributes to set after removal: dotted name -> `units` (their number) or `width` (units x unit_size)."""
    shared_bias: SharedBias | None = None

    @property
    def module(self) -> str:
        """The module that holds the input matrices: the attention itself."""
        return self.matrices[0].module.rpartition(".")[0]


def sublayers_of(family: Family, shape: Mapping[str, Any]) -> list[Sublayer]:
    """All sublayers of a model of `family` whose config.json holds `shape`, first layer first.

    Raises:
        ValueError: if `shape` lacks a key that the family names.
    """
    absent = {key: other for key, other in family.fallbacks.items() if shape.get(key) is None}
    shape = {**shape, **{key: shape.get(other) for key, other in absent.items()}}
    missing = sorted(key for key in family.keys() if shape.get(key) is None)
    if missing:
        raise ValueError(f"the model's config lacks {', '.join(missing)}, which its family needs")
    return [
        _sublayer(f"{stack.layers}.{index}", place, hidden=shape[stack.hidden], shape=shape)
        for stack in family.stacks
        for index in range(shape[stack.num_layers])
        for place in stack.places
    ]


def _sublayer(layer: str, place: Place, hidden: int, shape: Mapping[str, Any]) -> Sublayer:
    num_units = int(shape[place.units])
    unit_size = _head_size(place, hidden, shape) if place.site == "attention" else 1
    width = num_units * unit_size
    inputs = tuple(Matrix(f"{layer}.{name}", width, hidden, unit_axis=0) for name in _inputs(place, shape))
    output = Matrix(f"{layer}.{place.output}", hidden, width, unit_axis=1)
    counts = {f"{layer}.{name}": meaning for name, meaning in place.counts.items()}
    name = f"{layer}.{place.name or place.site}"
    return Sublayer(name, place.site, (*inputs, output), num_units, unit_size, counts, place.shared_bias)


def _head_size(place: Place, hidden: int, shape: Mapping[str, Any]) -> int:
    return int(shape[place.unit_size]) if place.unit_size else hidden // int(shape[place.units])


def _inputs(place: Place, shape: Mapping[str, Any]) -> tuple[str, ...]:
    fitting = [v.inputs for v in place.variants if fnmatchcase(str(shape.get(v.key)), v.pattern)]
    return fitting[0] if fitting else place.inputs
