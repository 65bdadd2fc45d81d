"""JSON from strangers: a mapping that is read whole or not at all."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from prune.errors import UserError

_LARGEST = 2**26
"""In bytes."""


def read(file: Path, largest: int = _LARGEST) -> dict[str, Any]:
    """The mapping that a file of at most `largest` bytes holds.

    Raises:
        FileNotFoundError: if there is none.
        UserError: if it is too large, no text in UTF-8, no JSON, or no mapping of keys to values.
    """
    content = _content(file, largest)
    if not isinstance(content, dict):
        raise UserError(f"{file} holds no mapping of keys to values")
    return content


def read_list(file: Path, largest: int = _LARGEST) -> list[dict[str, Any]]:
    """The list of mappings that a file of at most `largest` bytes holds.

    Raises:
        FileNotFoundError, UserError: likewise.
    """
    content = _content(file, largest)
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise UserError(f"{file} holds no list of mappings")
    return content


def _content(file: Path, largest: int) -> Any:
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise UserError(f"{file} is no file")
    try:
        with file.open("rb") as stream:
            raw = stream.read(largest + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from error
    if len(raw) > largest:
        raise UserError(f"{file} is too large: at most {largest} bytes are read")
    return _parsed(raw, file)


def _parsed(raw: bytes, file: Path) -> Any:
    try:
        return json.loads(
            raw.decode("utf-8"), parse_constant=_refused, parse_float=_finite, object_pairs_hook=_without_repeats
        )
    except RecursionError:
        raise UserError(f"{file} is no plain JSON: it is nested too deeply") from None
    except ValueError as error:  # no JSON, no UTF-8, numbers of 5,000 digits
        raise UserError(f"{file} is no plain JSON: {error}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        repeated = next(key for key, number in Counter(key for key, _ in pairs).items() if number > 1)
        raise ValueError(f"{repeated[:40]!r} stands in it twice")
    return content


def _finite(text: str) -> float:
    return found if math.isfinite(found := float(text)) else _refused(text)


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no number")
