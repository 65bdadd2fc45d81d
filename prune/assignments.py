"""Assignments `key=value` from the command line or a recipe, checked against the schema, all at once.

Needs neither torch nor a composed config, so that every slip of the hand is answered within a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune.config import Config
from prune.discovery import nearest
from prune.places import shipped

GROUPS = ("model", "task", "method", "schedule")
_NAMES = tuple(f"{group}.name" for group in GROUPS)


@dataclass(frozen=True)
class Assignment:
    """One value for one key; `key` is a group's name when it chooses a file of the group."""

    key: str
    value: Any


def choices(group: str) -> list[str]:
    """The choices of a config group: its YAML files."""
    return sorted(file.stem for file in (shipped("configs") / group).glob("*.yaml"))


def is_name(text: str) -> bool:
    """Whether `text` may be part of a run folder's name."""
    return re.fullmatch(r"[\w-][\w.-]*", text) is not None


def known_keys() -> list[str]:
    """All dotted keys of the schema."""
    return sorted(_types())


@cache
def _types() -> dict[str, Any]:
    """Key -> type of its value."""
    return dict(_leaves(Config))


def _leaves(schema: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(schema)
    for item in fields(schema):
        if is_dataclass(hints[item.name]):
            yield from _leaves(hints[item.name], f"{prefix}{item.name}.")
        else:
            yield prefix + item.name, hints[item.name]


def _is_key(key: str) -> bool:
    """Whether `key` is in the schema, leads to what is, or is an entry of a mapping in it."""
    return any(
        known == key or known.startswith(f"{key}.") or (get_origin(kind) is dict and key.startswith(f"{known}."))
        for known, kind in _types().items()
    )


def problems_in(assignments: Iterable[Assignment]) -> list[str]:
    """What is wrong with each assignment: the key, the value, what is allowed, and the nearest name."""
    given = list(assignments)
    choices_only = all(assignment.key in GROUPS for assignment in given)  # the schema takes longer than all else
    schema = OmegaConf.create() if choices_only else OmegaConf.structured(Config)
    return [problem for assignment in given if (problem := _problem(schema, assignment)) is not None]


def _problem(schema: DictConfig, assignment: Assignment) -> str | None:
    key, value = assignment.key, assignment.value
    if key in GROUPS and not isinstance(value, dict):
        known = choices(key)
        if str(value) not in known:
            return f"{key}={value}: there is no such {key}{nearest(str(value), known)}. Choices: {', '.join(known)}"
        return None
    if not _is_key(key):
        return f"{key}={value}: there is no key {key}{nearest(key, [*known_keys(), *GROUPS])}. `prune --help` lists all"
    if key in _NAMES and not is_name(str(value)):
        return f"{key}={value}: a name is part of a folder's: letters, digits, `_`, `-` and `.` only"
    if isinstance(value, str) and "${" in value:
        return None  # filled in when the config is composed
    try:
        OmegaConf.update(schema, key, value)
    except (OmegaConfBaseException, ValueError) as error:
        return f"{key}={value}: {str(error).splitlines()[0]}. Expected: {_type_of(key)}"
    return None


def _type_of(key: str) -> str:
    kind = next((kind for known, kind in _types().items() if f"{key}.".startswith(f"{known}.")), "keys and values")
    if hasattr(kind, "__members__"):
        return " or ".join(kind.__members__)
    return str(kind if get_origin(kind) else getattr(kind, "__name__", kind)).replace("None", "null")


def flatten(content: dict[str, Any], prefix: str = "") -> Iterator[Assignment]:
    """The leaves of a nested mapping as assignments."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield Assignment(f"{prefix}{key}", value)
