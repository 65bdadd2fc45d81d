"""Between tiles and weights: masks spread over weights, and values of weights gathered by tile."""

from __future__ import annotations

from torch import Tensor


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
