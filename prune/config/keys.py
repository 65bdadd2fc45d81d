"""Assignments `key=value` from the command line or a recipe, checked against the schema, all at once.

Needs neither torch nor a composed config, so that every slip of the hand is answered within a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune.config.metadata import FINITE, RANGE, ROLE, Range, Role
from prune.config.schema import Config
from prune.files import limits
from prune.files.paths import shipped
from prune.runtime.registry import nearest
from prune.runtime.sanitize import shown

GROUPS = ("model", "task", "method", "schedule")
_NAMES = tuple(f"{group}.name" for group in GROUPS)
_LONGEST_NAME = 100
"""In bytes: a folder's has two and a hash, and may have 255."""
NAME = f"letters, digits, `_`, `-` and `.` only, and no more than {_LONGEST_NAME}"
"""What `is_name` asks for, in words."""


@dataclass(frozen=True)
class Assignment:
    """One value for one key; `key` is a group's name when it chooses a file of the group."""

    key: str
    value: Any


@dataclass(frozen=True)
class Removed:
    """A key that older versions had. Their records and run folders are still read."""

    default: Any
    """What it was where nobody set it: a record with this value is equal to one without the key."""
    advice: str
    """What to do instead."""


REMOVED = {
    "compact.during_training": Removed(
        default=False, advice="units are removed when the pruning training has ended; leave it out"
    ),
}


def choices(group: str) -> list[str]:
    """The choices of a config group: its YAML files."""
    return sorted(file.stem for file in (shipped("configs") / group).glob("*.yaml"))


def is_name(text: str) -> bool:
    """Whether `text` may be part of a run folder's name, which have a longest."""
    return re.fullmatch(r"[\w-][\w.-]*", text) is not None and len(text.encode()) <= _LONGEST_NAME


def known_keys() -> list[str]:
    """All dotted keys of the schema."""
    return sorted(kinds())


@cache
def kinds() -> dict[str, Any]:
    """Dotted key of the schema -> type of its value."""
    return {key: kind for key, kind, _ in _leaves(Config)}


@cache
def ranges() -> dict[str, Range]:
    """Dotted key -> range of its numbers; those of floats are finite at least."""
    floats = (float, float | None)
    declared = {key: metadata.get(RANGE, FINITE if kind in floats else None) for key, kind, metadata in _leaves(Config)}
    return {key: bounds for key, bounds in declared.items() if bounds is not None}


@cache
def nested_annotations() -> tuple[str, ...]:
    """Dotted keys below a group that say something about a run, and change nothing in it."""
    return tuple(key for key, _, metadata in _leaves(Config) if "." in key and metadata.get(ROLE) is Role.annotation)


def _leaves(schema: Any, prefix: str = "") -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    hints = get_type_hints(schema)
    for item in fields(schema):
        if is_dataclass(hints[item.name]):
            yield from _leaves(hints[item.name], f"{prefix}{item.name}.")
        else:
            yield prefix + item.name, hints[item.name], item.metadata


def removed_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Removed keys that an older config sets to another value than their default: dotted key -> value."""
    return {a.key: a.value for a in flatten(config) if a.key in REMOVED and a.value != REMOVED[a.key].default}


def without_removed(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """An older config, nested, without the keys that have been removed."""
    return {
        key: without_removed(value, f"{prefix}{key}.") if isinstance(value, Mapping) else value
        for key, value in config.items()
        if f"{prefix}{key}" not in REMOVED
    }


def _is_key(key: str) -> bool:
    """Whether `key` is in the schema, leads to what is, or is an entry of a mapping in it."""
    return any(
        known == key or known.startswith(f"{key}.") or (get_origin(kind) is dict and key.startswith(f"{known}."))
        for known, kind in kinds().items()
    )


def problems_in(assignments: Iterable[Assignment]) -> Iterator[str]:
    """What is wrong with each assignment: the key, the value, what is allowed, and the nearest name."""
    return (problem for assignment in assignments if (problem := _problem(assignment)) is not None)


@cache
def _schema() -> DictConfig:
    """What values are tried on: it keeps what fits, which changes nothing in what else does."""
    schema: DictConfig = OmegaConf.structured(Config)
    return schema


def _problem(assignment: Assignment) -> str | None:
    key, value, text = shown(assignment.key), assignment.value, f"{shown(assignment.key)}={shown(assignment.value)}"
    if key in GROUPS:
        known = choices(key)
        if str(value) not in known:
            return f"{text}: there is no such {key}{nearest(str(value), known)}. Choices: {', '.join(known)}"
        return None
    if key in REMOVED:
        return f"{text}: this setting was removed; {REMOVED[key].advice}"
    if not _is_key(key):
        return f"{text}: there is no key {key}{nearest(key, [*known_keys(), *GROUPS])}. `prune --help` lists all"
    if problem := limits.problem_of(key, value):
        return problem
    if key in _NAMES and not is_name(str(value)):
        return f"{text}: a name is part of a folder's: {NAME}"
    if value == "???":
        return f"{text}: say a value"
    if isinstance(value, str) and "${" in value:
        return None  # filled in when the config is composed
    try:
        OmegaConf.update(_schema(), key, value)
    except (OmegaConfBaseException, ValueError) as error:
        return f"{text}: {shown(str(error).splitlines()[0])}. Expected: {_type_of(key)}"
    return None


def _type_of(key: str) -> str:
    kind = next((kind for known, kind in kinds().items() if f"{key}.".startswith(f"{known}.")), "keys and values")
    if hasattr(kind, "__members__"):
        return " or ".join(kind.__members__)
    return str(kind if get_origin(kind) else getattr(kind, "__name__", kind)).replace("None", "null")


def flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[Assignment]:
    """The leaves of a nested mapping as assignments; an empty mapping within it is a leaf, too."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield Assignment(f"{prefix}{key}", value)
