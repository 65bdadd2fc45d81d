"""Grains: what is kept or removed together.

Every grain tiles a weight into rectangles of r x c; one score decides over one tile.
Shapes: W (R, C) = (outputs, inputs); scores and mask (R / r, C / c).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from prune.models.sublayers import Matrix


@dataclass(frozen=True)
class Grain:
    """A way to tile the matrices of a sublayer."""

    tile: Callable[[Matrix, Sequence[int]], tuple[int, int]]
    """(matrix, configured block) -> (r, c)."""
    shared: bool = False
    """One score per inner unit, shared by all matrices of the sublayer."""
    site: str | None = None
    """The only site where it applies; None: both."""


def _unit_tile(matrix: Matrix, _block: Sequence[int]) -> tuple[int, int]:
    return (matrix.unit_size, matrix.columns) if matrix.unit_axis == 0 else (matrix.rows, matrix.unit_size)


def _block_tile(_matrix: Matrix, block: Sequence[int]) -> tuple[int, int]:
    return (block[0], block[1])


GRAINS = {
    "element": Grain(lambda *_: (1, 1)),
    "block": Grain(_block_tile),
    "row": Grain(lambda matrix, *_: (1, matrix.columns)),
    "column": Grain(lambda matrix, *_: (matrix.rows, 1)),
    "head": Grain(_unit_tile, shared=True, site="attention"),
    "dimension": Grain(_unit_tile, shared=True, site="feed_forward"),
}


def spread(masks: Tensor, num_columns: int) -> Tensor:
    """Masks (L, R/r, C/c) in a shape that broadcasts over weights (L, R/r, r, C): (L, R/r, 1, C or 1).

    A row of tiles is spread over its columns only, so no mask as large as the weights is made unless r is 1.
    """
    if 1 < masks.shape[-1] < num_columns:
        masks = masks.repeat_interleave(num_columns // masks.shape[-1], dim=-1)
    return masks.unsqueeze(-2)


def gather(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Sums of `values` (L, R, C) over the tiles of masks of `shape` (R/r, C/c)."""
    num_rows, num_columns = shape
    count, rows, columns = values.shape
    tiles = values if num_rows == rows else values.view(count, num_rows, rows // num_rows, columns).sum(2)
    if num_columns == columns:
        return tiles
    return tiles.view(count, num_rows, num_columns, columns // num_columns).sum(3)
