"""Subsets of a split, drawn by a seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from datasets import Dataset

from prune.errors import UserError
from prune.runtime.wording import counted

_Numbers = np.ndarray[Any, Any]
Groups = Sequence[Sequence[int]] | None
"""Numbers of rows that are drawn together, and count as one example; None: each row is one."""


def subset(rows: Dataset, split: str, size: int, seed: int, groups: Groups = None) -> Dataset:
    """`size` examples drawn by `seed`, in their original order.

    Raises:
        UserError: if there are fewer.
    """
    if size > (there := number_of(rows, groups)):
        raise UserError(f"a subset of {counted(size, 'example')} was asked for, but the split {split!r} has {there}")
    return _selected(rows, _drawn(there, size, seed), groups)


def others(rows: Dataset, used: int, size: int, seed: int, groups: Groups = None) -> Dataset:
    """`size` examples drawn by `seed` from those that a subset of `used` leaves, in their original order.

    Raises:
        UserError: if these are fewer.
    """
    there = number_of(rows, groups)
    left = np.setdiff1d(np.arange(there), _drawn(there, min(used, there), seed))
    if size > len(left):
        raise UserError(
            f"task.eval_from_train={size}: {used} of the {there} training examples are trained on, which leaves "
            f"{len(left)}. Lower it, or task.train_examples"
        )
    return _selected(rows, left[_drawn(len(left), size, seed)], groups)


def number_of(rows: Dataset, groups: Groups) -> int:
    """Of examples in `rows`."""
    return len(rows if groups is None else groups)


def _selected(rows: Dataset, examples: _Numbers, groups: Groups) -> Dataset:
    return rows.select(sorted(examples if groups is None else chain.from_iterable(groups[one] for one in examples)))


def _drawn(number: int, size: int, seed: int) -> _Numbers:
    return np.random.default_rng(seed).choice(number, size, replace=False)
