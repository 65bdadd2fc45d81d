"""Parts found by the name of their file: criteria, saliencies of units and of weights, methods, families, tasks.

Third parties add parts through the entry point groups `prune.criteria`, `prune.saliencies`, `prune.weight_saliencies`,
`prune.methods`, `prune.families`, `prune.tasks` and `prune.metrics`; an entry point's name is the part's name, its
value the module.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType

from prune.runtime.sanitize import quoted

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = {
    "families": "models/families",
    "saliencies": "criteria/saliency",
    "weight_saliencies": "criteria/weight_saliency",
}
"""Of kinds that do not lie at the top of the package."""
_SPECIAL = {"criteria": "saliencies"}
"""Kind -> another kind, whose parts belong to it, too."""
_NO_PARTS = ("base", "answers", "metrics", "ranking", "saliency", "weight_saliency")
"""In the folders of parts: what several of them use."""
_LONGEST = 100
"""Characters of a name that are compared with others."""
_ALIKE, _ALIKE_IN_FEW, _FEW = 0.8, 0.75, 4
"""Share of the characters of two names that agree where one is a slip for the other; lower where one wrong character is
a larger share, in names of so few characters."""


class UnknownPart(ValueError):
    """A name that no file and no entry point answers to."""


def names(kind: str) -> list[str]:
    """Names of all parts of `kind` (criteria, saliencies, methods, families, tasks), without importing any."""
    parts = pkgutil.iter_modules([str(_PACKAGE / _FOLDERS.get(kind, kind))])
    own = (part.name for part in parts if part.name not in _NO_PARTS)
    special = names(_SPECIAL[kind]) if kind in _SPECIAL else []
    return sorted({*own, *special, *(point.name for point in _entry_points(kind))})


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
    if kind in _SPECIAL and key in names(_SPECIAL[kind]):
        return module(_SPECIAL[kind], key)
    for point in _entry_points(kind):
        if point.name == key:
            return importlib.import_module(point.value)
    return importlib.import_module(f"prune.{_FOLDERS.get(kind, kind).replace('/', '.')}.{key}")


def nearest(name: str, known: list[str]) -> str:
    """` (did you mean 'x'?)` for the one of `known` that `name` is likely a slip of the hand for, or an empty text.

    A key may lack its group, and a recipe its folder.
    """
    ends = {re.split("[./]", one)[-1]: one for one in reversed(known)} | {one: one for one in known}
    cutoff = _ALIKE_IN_FEW if len(name) <= _FEW else _ALIKE
    close = difflib.get_close_matches(name[:_LONGEST], ends, n=1, cutoff=cutoff)
    return f" (did you mean {ends[close[0]]!r}?)" if close else ""


def _entry_points(kind: str) -> EntryPoints:
    return _installed(kind, tuple(sys.path))


@cache
def _installed(kind: str, _path: tuple[str, ...]) -> EntryPoints:
    """Those of all packages on the path, found by reading a file of each."""
    return entry_points(group=f"prune.{kind}")
