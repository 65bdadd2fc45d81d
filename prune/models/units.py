"""Where the units of a sublayer lie in its matrices: all arithmetic between units, features and tiles of features.

A unit has `Matrix.unit_size` neighbouring features along the unit axis of each matrix: unit u has features
u * unit_size to (u + 1) * unit_size - 1. A tile is a run of neighbouring features that one entry of a mask decides on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd, lcm

import torch
from torch import Tensor

from prune.models.sublayers import Matrix, Sublayer


def all_units(sublayers: Iterable[Sublayer]) -> dict[str, tuple[int, ...]]:
    """Name of each sublayer -> the numbers of all its units."""
    return {s.name: tuple(range(s.num_units)) for s in sublayers}


def features_of(matrix: Matrix, units: Sequence[int]) -> Tensor:
    """The rows or columns of `matrix` that belong to `units` (their numbers): (units x unit size,)."""
    first = torch.tensor(units, dtype=torch.long) * matrix.unit_size
    return (first.unsqueeze(1) + torch.arange(matrix.unit_size)).flatten()


def by_feature(matrix: Matrix, values: Tensor) -> Tensor:
    """Values of units (L, units) as values of the features of `matrix` (L, width)."""
    return values.repeat_interleave(matrix.unit_size, dim=1)


def by_unit(matrix: Matrix, values: Tensor) -> Tensor:
    """Values of the features of `matrix` (L, width) by unit: (L, units, unit size)."""
    return values.view(len(values), -1, matrix.unit_size)


def unit_multiple(sublayer: Sublayer, multiple: int) -> int:
    """The least number of units that gives each matrix a width that is a multiple of `multiple`."""
    return lcm(*(multiple // gcd(multiple, matrix.unit_size) for matrix in sublayer.matrices))


class TiledUnits:
    """The units of a matrix whose mask has tiles of `edge` features along the unit axis.

    Tiles and units need not divide each other: a tile may hold several units, a unit several tiles, or parts of both.
    """

    def __init__(self, matrix: Matrix, edge: int, pruned_together: int):
        """`pruned_together`: so many neighbouring units are kept or removed together, whatever the mask."""
        self._axis, self._num_units = matrix.unit_axis, matrix.num_units
        self._cells = edge // gcd(edge, matrix.unit_size)
        self._refine = edge // gcd(edge, pruned_together * matrix.unit_size)
        refined = edge // self._refine
        self._unit_of_tile = torch.arange(matrix.width // refined) * refined // matrix.unit_size

    def surviving(self, masks: Tensor) -> Tensor:
        """Whether `masks` (L, R / r, C / c) leave each unit any weight: (L, units) bool."""
        occupied = masks.amax(2 - self._axis) > 0
        return occupied.repeat_interleave(self._cells, dim=1).view(len(masks), self._num_units, -1).any(2)

    def without_removed(self, masks: Tensor, surviving: Tensor) -> Tensor:
        """`masks` with 0 for the units that are not `surviving` (L, units), its tiles split where units part ways."""
        if self._refine > 1:
            masks = masks.repeat_interleave(self._refine, dim=1 + self._axis)
        of_tile = surviving[:, self._unit_of_tile.to(surviving.device)].to(masks.dtype)
        return masks * of_tile.unsqueeze(2 - self._axis)


def tiled_units(matrices: Sequence[Matrix], tiles: Sequence[tuple[int, int]]) -> list[TiledUnits]:
    """The units of a sublayer in each of its `matrices`, whose masks have `tiles` of (rows, columns)."""
    edges = [tile[matrix.unit_axis] for matrix, tile in zip(matrices, tiles, strict=True)]
    # Where all tiles hold whole units, units between two borders of any tiles are removed together.
    whole = [edge // m.unit_size if edge % m.unit_size == 0 else 1 for m, edge in zip(matrices, edges, strict=True)]
    return [TiledUnits(matrix, edge, gcd(*whole)) for matrix, edge in zip(matrices, edges, strict=True)]
