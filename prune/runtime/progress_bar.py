"""A bar for work that takes a while besides training: shown in a terminal only, and gone when the work is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.progress import track as rich_track

from prune.runtime import distributed
from prune.runtime.console import console

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """`items`, of which there are `total`, with a bar on standard error that says `what` is done with them."""
    shown_on = console(stderr=True)
    if not shown_on.is_terminal or not distributed.is_main_process():
        return items
    return rich_track(items, f"{'':>10}{what}", total=total, console=shown_on, transient=True)
