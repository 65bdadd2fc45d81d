"""Parts found by the name of their file: criteria, methods, families, tasks.

Third parties add parts through the entry point groups `prune.criteria`, `prune.methods`, `prune.families`,
`prune.tasks` and `prune.metrics`; an entry point's name is the part's name, its value the module.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType

from prune.runtime.sanitize import quoted

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = {"families": "models/families"}
"""Of kinds that do not lie at the top of the package."""
_NO_PARTS = ("base", "answers", "metrics")
"""In the folders of parts: what several of them use."""
_LONGEST = 100
"""Characters of a name that are compared with others."""


class UnknownPart(ValueError):
    """A name that no file and no entry point answers to."""


def names(kind: str) -> list[str]:
    """Names of all parts of `kind` (criteria, methods, families, tasks), without importing any."""
    parts = pkgutil.iter_modules([str(_PACKAGE / _FOLDERS.get(kind, kind))])
    own = (part.name for part in parts if part.name not in _NO_PARTS)
    return sorted({*own, *(point.name for point in _entry_points(kind))})


def check(kind: str, name: str) -> str:
    """The name of the part's file or entry point: `name` with `_` for `-`.

    Raises:
        UnknownPart: naming the nearest and all known names.
    """
    key = name.replace("-", "_")
    if key not in names(kind):
        raise UnknownPart(
            f"{quoted(name)} is not one of the {kind}: {', '.join(names(kind))}{nearest(name, names(kind))}"
        )
    return key


def module(kind: str, name: str) -> ModuleType:
    """The module of the part `name`.

    Raises:
        UnknownPart: naming the nearest and all known names.
    """
    key = check(kind, name)
    for point in _entry_points(kind):
        if point.name == key:
            return importlib.import_module(point.value)
    return importlib.import_module(f"prune.{_FOLDERS.get(kind, kind).replace('/', '.')}.{key}")


def nearest(name: str, known: list[str]) -> str:
    """` (did you mean 'x'?)` for the most similar of `known`, or an empty text."""
    close = difflib.get_close_matches(name[:_LONGEST], known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _entry_points(kind: str) -> EntryPoints:
    return _installed(kind, tuple(sys.path))


@cache
def _installed(kind: str, _path: tuple[str, ...]) -> EntryPoints:
    """Those of all packages on the path, found by reading a file of each."""
    return entry_points(group=f"prune.{kind}")
