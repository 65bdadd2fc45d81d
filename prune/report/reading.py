"""The file of a record: what makes it unreadable."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from prune.config import Config
from prune.errors import UserError
from prune.report.versions import NewerVersion, upgraded


class UnreadableRecord(UserError, ValueError):
    """A file that is no record, is damaged, or comes from a newer program (`NewerRecord`)."""


class NewerRecord(UnreadableRecord):
    """A record that comes from a newer program."""


def content_of(file: Path, types: Mapping[str, str], optional: set[str]) -> dict[str, Any]:
    """The values of a record's fields, as the current version has them, each of its type.

    Args:
        types: Field -> its type, as it is annotated.
        optional: Fields that have a default.

    Raises:
        UnreadableRecord: naming the file and what is wrong with it.
    """
    try:
        content = upgraded(json.loads(file.read_bytes()))
        known = {key: value for key, value in content.items() if key in types}
        _check(known, types, optional)
    except OSError as error:
        raise UnreadableRecord(f"{file}: it cannot be read: {error.strerror}") from error
    except NewerVersion as error:
        raise NewerRecord(f"{file}: {error}") from error
    except UnicodeError as error:
        raise UnreadableRecord(f"{file}: it is no text") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise UnreadableRecord(f"{file}: {error}") from error
    return known


def _check(content: dict[str, Any], types: Mapping[str, str], optional: set[str]) -> None:
    """Raises ValueError for what a field's type, the table or those who read the config do not allow."""
    for name, kind in types.items():
        if name in content:
            if not _IS[kind](content[name]):
                raise ValueError(f"{name} is not of the type {kind}")
        elif name not in optional:
            raise ValueError(f"it lacks {name}")
    if content["dense_linear_params"] < 1:
        raise ValueError("dense_linear_params is not positive")
    if not content["speed"]:
        raise ValueError("it lacks a speed")
    for speed in content["speed"]:
        for name, default in _SPEED.items():
            if not (_is_finite(value := speed.get(name, default)) and value > 0):
                raise ValueError(f"{name} of a speed is no positive number")
    for group in _GROUPS:
        if not isinstance(content["config"].get(group, {}), dict):
            raise ValueError(f"{group} of its config holds no values")


def _is_whole(value: Any) -> bool:
    return type(value) is int and _is_finite(value)


def _is_finite(value: Any) -> bool:
    """Far from where sums overflow."""
    return type(value) in _NUMBERS and abs(value) < 1e100


def _is_text(value: Any) -> bool:
    """Raises UnicodeError for a text that no file can hold."""
    return isinstance(value, str) and value.encode() is not None


def _are(values: Iterable[Any], *types: type) -> bool:
    return set(map(type, values)) <= set(types)


def _are_numbers(values: Any) -> bool:
    """Named ones. NaN is none; a threshold may be infinite."""
    return type(values) is dict and _are(values.values(), *_NUMBERS) and not any(map(math.isnan, values.values()))


_NUMBERS = (int, float)
_IS: dict[str, Callable[[Any], bool]] = {
    "str": _is_text,
    "bool": lambda value: type(value) is bool,
    "int": _is_whole,
    "float": _is_finite,
    "list[int]": lambda value: type(value) is list and _are(value, int),
    "list[str]": lambda value: type(value) is list and all(map(_is_text, value)),
    "list[dict[str, Any]]": lambda value: type(value) is list and _are(value, dict),
    "dict[str, Any]": lambda value: type(value) is dict,
    "dict[str, int]": lambda value: type(value) is dict and _are(value.values(), int),
    "dict[str, float]": _are_numbers,
    "dict[str, dict[str, float]]": lambda value: type(value) is dict and all(map(_are_numbers, value.values())),
}
"""Type, as it is annotated -> whether a value is of it."""
_SPEED = {"batch_size": None, "speedup": None, "speedup_theoretical": None, "dense_ms": 1.0}
"""What the table needs of a speed, and what stands for what it can do without."""
_GROUPS = [field.name for field in fields(Config) if str(field.type).endswith("Config")]
