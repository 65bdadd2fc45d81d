"""A bar for work that takes a while besides training: shown in a terminal only, and gone when the work is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

from prune import processes

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """`items`, of which there are `total`, with a bar on standard error that says `what` is done with them."""
    console = Console(stderr=True)
    if not console.is_terminal or not processes.is_first():
        return items
    return rich_track(items, f"{'':>10}{what}", total=total, console=console, transient=True)
