"""How a pruned model's files say which units and layers it keeps; read without torch."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from prune.runtime.sanitize import quoted

KEY = "pruned_structure"
"""Of config.json, so that it goes wherever transformers saves the model."""
VERSION = 2
OLD_FILE, OLD_VERSION = "structure.json", 1
"""Beside config.json, where earlier versions of this package wrote the same."""
_RANGES = re.compile(r"(\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*)?", re.ASCII)
_MOST = 2**23
"""Units of all sublayers together; more are a mistake, and would take the memory."""


def as_ranges(numbers: Iterable[int]) -> str:
    """Rising numbers as a text: `0-3,7`."""
    runs = [list(run) for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in ((run[0][1], run[-1][1]) for run in runs))


def numbers_in(content: Mapping[str, Any], key: str) -> dict[str, tuple[int, ...]]:
    """Name -> its numbers, of the mapping `key`: texts of ranges or, as earlier versions wrote them, lists.

    Raises:
        ValueError: if it is no such mapping, or names more numbers than any model has.
    """
    named = content.get(key, {})
    if not isinstance(named, Mapping):
        raise ValueError(f"{key} is {quoted(named)}, no mapping")
    parts = {name: _parts(f"{key}: {name:.80}", value) for name, value in named.items()}
    if sum(map(len, itertools.chain.from_iterable(parts.values()))) > _MOST:
        raise ValueError(f"{key}: more than {_MOST} numbers")
    return {name: tuple(itertools.chain.from_iterable(ranges)) for name, ranges in parts.items()}


def _parts(name: str, value: Any) -> list[range]:
    if isinstance(value, str) and _RANGES.fullmatch(value):
        ends = [[int(end) for end in part.split("-")] for part in value.split(",") if part]
    elif isinstance(value, list) and all(type(number) is int for number in value):
        ends = [[number] for number in value]
    else:
        ends = [[-1]]
    found = [range(numbers[0], numbers[-1] + 1) for numbers in ends]
    if any(part.start < 0 or not part for part in found) or any(a[-1] >= b[0] for a, b in itertools.pairwise(found)):
        raise ValueError(f"{name}: {quoted(value)} are no rising numbers from 0")
    return found
