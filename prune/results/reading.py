"""Reading the file of a record, and what makes it unreadable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prune.config.reference import EnvironmentConfig
from prune.config.schema import Config
from prune.errors import UserError
from prune.files.confined import read_json
from prune.results.migrations import NewerVersion, upgraded
from prune.results.typed import LONGEST_NAME, check_of, is_finite, is_name, is_whole


class UnreadableRecord(UserError, ValueError):
    """A file that is no record, is damaged, or comes from a newer program (`NewerRecord`)."""


class NewerRecord(UnreadableRecord):
    """A record that comes from a newer program."""


def read_content(file: Path, types: Mapping[str, Any], optional: set[str]) -> dict[str, Any]:
    """The values of a record's fields, as the current version has them, each of its type.

    Args:
        types: Field -> its type.
        optional: Fields that have a default.

    Raises:
        UnreadableRecord: naming the file and what is wrong with it.
    """
    try:
        content = upgraded(read_json(file.parent, file, _LARGEST))
        known = {key: value for key, value in content.items() if key in types}
        if problem := next(_problems(known, types, optional), None):
            raise ValueError(problem)
    except OSError as error:
        raise UnreadableRecord(f"{file}: it cannot be read: {error.strerror}") from error
    except NewerVersion as error:
        raise NewerRecord(f"{file}: {error}") from error
    except UnicodeError as error:
        raise UnreadableRecord(f"{file}: it is no text") from error
    except ValueError as error:
        raise UnreadableRecord(f"{file}: {error}") from error
    return known


def _problems(content: dict[str, Any], types: Mapping[str, Any], optional: set[str]) -> Iterator[str]:
    """Where a value is not of its field's type, or is one that tables, figures or readers of the config cannot take."""
    for name, kind in types.items():
        if name not in content:
            if name not in optional:
                yield f"it lacks {name}"
        elif (place := (_INSIDE.get(name) or check_of(kind))(content[name])) is not None:
            yield f"{name}{place} is not of its type"
        elif kind is str and not is_name(content[name]):
            yield f"{name} is no name: at most {LONGEST_NAME} characters on one line, none of them a control character"
    yield from (f"{name} is not positive" for name in _POSITIVE if content[name] < 1)
    yield from (f"{name} has more than {_MOST_LAYERS} layers" for name in _LAYERS if len(content[name]) > _MOST_LAYERS)
    yield from _problems_of_speeds(content["speed"])


def _problems_of_speeds(speeds: list[dict[str, Any]]) -> Iterator[str]:
    if not speeds:
        yield "it lacks a speed"
    for speed in speeds:
        for name, (check, what) in _OF_SPEED.items():
            if (name in speed or name not in _TIMES) and not (check(speed.get(name)) and speed[name] > 0):
                yield f"{name} of a speed is no positive {what}"
        if "model_ms" in speed and "dense_ms" not in speed:
            yield "a speed lacks dense_ms"
        quartiles = speed.get("speedup_quartiles", [1.0, 1.0])
        if not (type(quartiles) is list and len(quartiles) == 2 and all(map(is_finite, quartiles))):
            yield "speedup_quartiles of a speed are no two numbers"
        if not is_finite(speed.get("waited", 0.0)):
            yield "waited of a speed is no number"


_LARGEST = 10_000_000
"""Bytes of a record."""
_POSITIVE = ("dense_linear_params", "dense_params", "dense_bytes")
_LAYERS = ("heads_kept", "dimensions_kept")
_MOST_LAYERS = 1000
"""More of them cannot be drawn."""
_TIMES = ("model_ms", "dense_ms")
"""The table does without them."""
_OF_SPEED = {
    "batch_size": (is_whole, "whole number"),
    "length": (is_whole, "whole number"),
    **dict.fromkeys(("speedup", "speedup_theoretical", *_TIMES), (is_finite, "number")),
}
_INSIDE = {"config": check_of(Config, free=("reference",)), "environment": check_of(EnvironmentConfig)}
"""Field -> its check, which looks inside. A config's `reference` once had other fields, and nothing reads it there."""
