"""Grains: what is kept or removed together. A new one is an entry of `GRAINS`.

Every grain tiles a weight into rectangles of r x c; one score decides over one tile.
Shapes: W (R, C) = (outputs, inputs); scores and mask (R / r, C / c).

Needs no torch, so that a command is checked before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from prune.models.sublayers import Matrix


@dataclass(frozen=True)
class Grain:
    """A way to tile the matrices of a sublayer, and what it needs."""

    tile: Callable[[Matrix, Sequence[int]], tuple[int, int]]
    """(matrix, configured block) -> (r, c)."""
    sites: tuple[str, ...] = ("attention", "feed_forward")
    """Where it applies."""
    whole_units: bool = False
    """Whether grains are whole units: one score per unit, shared by all matrices of the sublayer."""
    reads_block: bool = False
    """Whether the configured block, which must divide each matrix, is its tile."""
    scattered: bool = False
    """Whether its zeros are scattered, so that next to nothing can be taken out of a matrix."""
    cuts: Callable[[Tensor, Sequence[int]], Tensor] | None = None
    """(scores to be ranked (L, R / r, C / c), configured block) -> the lowest that is kept, of the same shape: where
    scores compete with their neighbours only, as in n:m sparsity. Read for criteria that keep a density, in place of
    that density. None: they compete within the matrix or the site, as `method.scope` says."""


def _unit(matrix: Matrix, _block: Sequence[int]) -> tuple[int, int]:
    return (matrix.unit_size, matrix.columns) if matrix.unit_axis == 0 else (matrix.rows, matrix.unit_size)


GRAINS: Mapping[str, Grain] = {
    "element": Grain(lambda _matrix, _block: (1, 1), scattered=True),
    "block": Grain(lambda _matrix, block: (block[0], block[1]), reads_block=True),
    "row": Grain(lambda matrix, _block: (1, matrix.columns)),
    "column": Grain(lambda matrix, _block: (matrix.rows, 1)),
    "head": Grain(_unit, sites=("attention",), whole_units=True),
    "dimension": Grain(_unit, sites=("feed_forward",), whole_units=True),
}
TILED = frozenset(name for name, grain in GRAINS.items() if grain.reads_block)
"""Grains whose tiles are the configured blocks."""
