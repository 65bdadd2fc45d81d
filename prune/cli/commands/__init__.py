"""The commands: one file each. `USAGE` are its lines of the help, `run_command(words)` runs it.

They import what is heavy only once their words are known to be good.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from prune.errors import UserError
from prune.runtime import distributed

if TYPE_CHECKING:
    from prune.results.record import Record


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
        shown_on = console(width=132)
    shown_on.print(table)


def tell_of_report(page: Path) -> None:
    """How to look at the page that was just written."""
    from prune.runtime.screen import Screen

    Screen().say(f"  report  {page}: open it in a browser")


def publish(outputs: Path) -> None:
    """Writes the page over all results, and says where it is. What goes wrong with it takes nothing from them."""
    from prune.report import publish as report
    from prune.runtime.screen import Screen

    if not distributed.is_main_process():
        return
    screen = Screen()
    try:
        page, problems = report.publish(outputs)
    except Exception as error:
        screen.warn(f"the report is not written: {error}")
        return
    for problem in problems:
        screen.warn(problem)
    tell_of_report(page)


def chosen_runs(folder: Path, filters: Mapping[str, str]) -> dict[Path, Record]:
    """Run folder, relative to `folder` -> its record, of the runs that pass the filters; exports are left out.

    Raises:
        UserError: if there is none.
    """
    from prune.results.files import read_records
    from prune.results.selection import filtered
    from prune.runtime.screen import Screen

    read, problems = read_records(folder)
    for problem in problems:
        Screen().warn(problem)
    runs = {path: record for path, record in read.items() if path.parent.name != "exported"}
    if not runs:
        raise UserError(f"{folder} holds no finished run")
    passed = set(map(id, filtered(runs.values(), filters)))
    return {path: record for path, record in runs.items() if id(record) in passed}


def one_of(command: str, key: str, value: str, allowed: Sequence[str]) -> str:
    """`value`.

    Raises:
        UserError: if it is not among the allowed, with the nearest that is.
    """
    from prune.runtime.registry import nearest

    if value not in allowed:
        raise UserError(
            f"prune {command}: {key}={value}: not known{nearest(value, list(allowed))}. Allowed: {', '.join(allowed)}"
        )
    return value


def truth(command: str, values: Mapping[str, str], key: str, default: bool) -> bool:
    """The truth that `values` holds of `key`.

    Raises:
        UserError: if it is another than true or false.
    """
    return one_of(command, key, values.get(key, str(default).lower()), ("true", "false")) == "true"


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
