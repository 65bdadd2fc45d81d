"""Subsets of a split, drawn by a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import Dataset

from prune.errors import UserError
from prune.runtime.wording import counted


def subset(rows: Dataset, split: str, size: int | None, seed: int) -> Dataset:
    """`size` rows drawn by `seed`, in their original order; all if `size` is None.

    Raises:
        UserError: if there are fewer.
    """
    if size is None:
        return rows
    if size > len(rows):
        raise UserError(
            f"a subset of {counted(size, 'example')} was asked for, but the split {split!r} has {len(rows)}"
        )
    return rows.select(np.sort(_drawn(len(rows), size, seed)))


def others(rows: Dataset, used: int, size: int, seed: int) -> Dataset:
    """`size` rows drawn by `seed` from those that a subset of `used` rows leaves, in their original order.

    Raises:
        UserError: if these are fewer.
    """
    left = np.setdiff1d(np.arange(len(rows)), _drawn(len(rows), min(used, len(rows)), seed))
    if size > len(left):
        raise UserError(
            f"task.eval_from_train={size}: {used} of the {len(rows)} training examples are trained on, which leaves "
            f"{len(left)}. Lower it, or task.train_examples"
        )
    return rows.select(left[np.sort(_drawn(len(left), size, seed))])


def _drawn(number: int, size: int, seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).choice(number, size, replace=False)
