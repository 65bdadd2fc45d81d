"""Labels as data hold them - names, booleans, whole numbers - and their numbers from 0, as models have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BOOLEANS = ("false", "true")


def _is_missing(value: Any) -> bool:
    """Whether a cell holds no label: it is null, or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def name_of(value: Any) -> str:
    """How a label is called where nobody has named it."""
    if isinstance(value, bool):
        return _BOOLEANS[value]
    return str(int(value)) if _is_whole(value) else str(value)


def names_in(values: pa.ChunkedArray) -> list[str]:
    """The names of the labels that occur: texts by their letters, numbers by their size, false before true."""
    return [name_of(value) for value in sorted(v for v in pc.unique(values).to_pylist() if not _is_missing(v))]


def holds_fractions(values: pa.ChunkedArray) -> bool:
    """Whether there are numbers that are not whole, which are no labels."""
    return pa.types.is_floating(values.type) and any(not _is_whole(v) for v in values.to_pylist() if not _is_missing(v))


def number_of(value: Any, names: Sequence[str]) -> int:
    """The number from 0 of the label `value`.

    A text is the name of a label. A whole number is its number, or its name where all names are whole numbers; a
    boolean likewise, false being the first of two.

    Raises:
        ValueError: if it is none of the labels.
    """
    if isinstance(value, str):
        return names.index(value)
    if isinstance(value, bool):
        lowered = [name.lower() for name in names]
        if sorted(lowered) != [*_BOOLEANS] and len(names) == 2:
            return int(value)
        return lowered.index(name_of(value))
    if not _is_whole(value):
        raise ValueError(f"{value!r} is no label")
    if all(name.lstrip("-").isdecimal() for name in names):
        return names.index(name_of(value))
    return range(len(names)).index(int(value))


def numbers_of(values: pa.ChunkedArray, names: Sequence[str]) -> list[int | None]:
    """The numbers of all labels in a column; None where one is missing.

    Raises:
        ValueError: with the row of the first that is none of the labels.
    """
    numbers: dict[Any, int | None] = {}
    found = []
    for row, value in enumerate(values.to_pylist()):
        if (key := (type(value), value)) not in numbers:
            try:
                numbers[key] = None if _is_missing(value) else number_of(value, names)
            except ValueError:
                raise ValueError(row) from None
        found.append(numbers[key])
    return found


def _is_whole(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
