"""The commands: one file each. `USAGE` are its lines of the help, `run_command(words)` runs it.

They import what is heavy only once their words are known to be good.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from prune.errors import UserError
from prune.runtime import distributed


def names() -> list[str]:
    """All commands, without importing any."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def module(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"{__name__}.{name}")


def display(table: Any) -> None:
    """Prints what rich can draw, wide enough for a table where the output is no terminal."""
    from prune.runtime.console import console

    if not distributed.is_main_process():
        return
    shown_on = console()
    if not shown_on.is_terminal:
        shown_on = console(width=120)
    shown_on.print(table)


def tell_of_report(page: Path) -> None:
    """How to look at the page that was just written."""
    from prune.runtime.screen import Screen

    Screen().say(f"  report  {page}: open it in a browser")


def given(command: str, words: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    """`words` as key -> value.

    Raises:
        UserError: at a word that is no `key=value`, a key that is not allowed, and a key that stands twice.
    """
    from prune.runtime.registry import nearest

    values: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in allowed:
            raise UserError(
                f"prune {command}: {word!r} is not known{nearest(key, list(allowed))}. Allowed: "
                + ", ".join(f"{name}=" for name in allowed)
            )
        if key in values:
            raise UserError(f"prune {command}: {key} is given twice")
        values[key] = value
    return values
