"""A transformer as pruning sees it: sublayers of inner units between input and output matrices.

An attention's units are its heads, or, where queries share keys and values (grouped-query attention), its key-value
groups, each with the query heads that attend to it. A feed-forward layer's units are its dimensions. Units are rows of
the input matrices (query, key, value; up) and columns of the output matrix (output; down), so both kinds are masked and
compacted by the same code. How many rows or columns a unit has, each matrix says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from prune.models.families import SharedBias

SITES = ("attention", "feed_forward")


@dataclass(frozen=True)
class Matrix:
    """A weight of shape (rows, columns) = (outputs, inputs); `module` is relative to the model's base.

    A module may hold several equal matrices, one above the other, and may store them transposed.
    """

    module: str
    rows: int
    columns: int
    unit_axis: int
    """0: the sublayer's units are rows; 1: they are columns."""
    unit_size: int = 1
    """Rows or columns of one unit: head size; in the query and output matrices of grouped-query attention, head size x
    query heads per group."""
    part: int = 0
    """Which of the module's matrices it is."""
    parts: int = 1
    """How many the module holds."""
    transposed: bool = False
    """Whether the module stores its weight as (inputs, outputs), as GPT-2's `Conv1D` does."""

    @property
    def width(self) -> int:
        """Number of features along the unit axis."""
        return self.columns if self.unit_axis else self.rows

    @property
    def num_units(self) -> int:
        """Number of the sublayer's units."""
        return self.width // self.unit_size

    @property
    def weights_per_unit(self) -> int:
        """Number of weights of one unit."""
        return self.unit_size * (self.rows if self.unit_axis else self.columns)

    def with_units(self, number: int) -> Matrix:
        """The matrix as it is where only so many units are left, in a linear layer."""
        rows, columns = self.rows, number * self.unit_size
        if self.unit_axis == 0:
            rows, columns = columns, self.columns
        return replace(self, rows=rows, columns=columns, transposed=False)

    def weight(self, base: nn.Module) -> Tensor:
        """(rows, columns), a view; with fewer rows or columns where units have been removed."""
        weight = base.get_submodule(self.module).weight
        assert isinstance(weight, Tensor)
        return self.within(base, weight)

    def within(self, base: nn.Module, values: Tensor) -> Tensor:
        """Its part (rows, columns) of `values`, which have the shape of its module's weight; a view."""
        module = base.get_submodule(self.module)
        still_transposed = self.transposed and not isinstance(module, nn.Linear)  # a smaller one is a linear layer
        return self._own(values.t() if still_transposed else values)

    def bias(self, base: nn.Module) -> Tensor | None:
        """(rows,), a view; None where the module has no bias."""
        bias = base.get_submodule(self.module).bias
        return self._own(bias) if isinstance(bias, Tensor) else None

    def _own(self, values: Tensor) -> Tensor:
        size = len(values) // self.parts
        return values.narrow(0, self.part * size, size)


@dataclass(frozen=True)
class Sublayer:
    """One attention or feed-forward layer."""

    name: str
    site: str
    matrices: tuple[Matrix, ...]
    """The input matrices, then the output matrix."""
    counts: Mapping[str, str]
    """Attributes to set after removal: dotted name -> `units` (their number) or `width` (that of the output matrix)."""
    followers: tuple[Matrix, ...] = ()
    """Matrices whose rows belong to the units, but which are not prunable."""
    shared_bias: SharedBias | None = None
    width: str = ""
    """Key of config.json with the number of units, which all sublayers with this key share."""
    left_out_without_heads: bool = True
    tokenwise_from: str = ""
    """The module from which on the layer of this attention handles each token by itself; see `Place`."""

    def __post_init__(self) -> None:
        for matrix in (*self.matrices, *self.followers):
            if matrix.width != self.num_units * matrix.unit_size:
                raise ValueError(f"{matrix.module} has {matrix.width} features for {self.num_units} units")

    @property
    def inputs(self) -> tuple[Matrix, ...]:
        """The matrices whose rows are the units."""
        return self.matrices[:-1]

    @property
    def output(self) -> Matrix:
        """The matrix whose columns are the units."""
        return self.matrices[-1]

    @property
    def num_units(self) -> int:
        """Number of heads, key-value groups or dimensions."""
        return self.output.num_units

    @property
    def num_weights(self) -> int:
        """In all its matrices."""
        return sum(matrix.rows * matrix.columns for matrix in self.matrices)

    @property
    def weights_per_unit(self) -> int:
        """In all its matrices."""
        return sum(matrix.weights_per_unit for matrix in self.matrices)

    @property
    def module(self) -> str:
        """The module that holds the input matrices: the attention itself."""
        return self.matrices[0].module.rpartition(".")[0]


def kind_of(sublayer: Sublayer) -> str:
    """What sublayers of equal layers have in common: their name without the layers' numbers."""
    return re.sub(r"\d+", "*", sublayer.name)


def smaller(sublayers: Iterable[Sublayer], kept: Mapping[str, tuple[int, ...]]) -> list[Sublayer]:
    """The sublayers as they are where only the `kept` units are left; without those that have none."""
    return [_with_units(s, len(kept[s.name])) for s in sublayers if kept[s.name]]


def _with_units(sublayer: Sublayer, units: int) -> Sublayer:
    if units == sublayer.num_units:
        return sublayer
    matrices, followers = (
        tuple(m.with_units(units) for m in of_kind) for of_kind in (sublayer.matrices, sublayer.followers)
    )
    return replace(sublayer, matrices=matrices, followers=followers)
