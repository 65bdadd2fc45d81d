"""Progress of work besides training that takes a while: a bar in a terminal, gone when it is done; lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

from prune.runtime import distributed
from prune.runtime.console import console

T = TypeVar("T")
_SHORT, _LONG = 2.0, 60.0
"""Seconds: what takes less needs no line; longer nothing is silent."""
_LINES = 10


def track(items: Iterable[T], what: str, total: int, *, timed: bool = False) -> Iterable[T]:
    """`items`, of which there are up to `total`, with progress on standard error that says `what` is done with them.

    `timed`: whether the work is timed; then nothing is drawn while it goes on, only in between.
    """
    if not distributed.is_main_process():
        return items
    shown_on, text = console(stderr=True), f"{'':>10}{what}"
    if not shown_on.is_terminal:
        return _in_lines(items, text, total, shown_on)
    return rich_track(items, text, total=total, console=shown_on, transient=True, auto_refresh=not timed)


def _in_lines(items: Iterable[T], text: str, total: int, shown_on: Console) -> Iterator[T]:
    began = last = time.monotonic()
    next_share = 0.0
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and (now - last > _LONG or (now - last > _SHORT and done / total >= next_share)):
            shown_on.print(f"{text} {done}/{total}  left {left(began, done, total)}", markup=False, soft_wrap=True)
            last, next_share = now, done / total + 1 / _LINES
        yield item


def left(began: float, done: int, total: int) -> str:
    """Minutes and seconds until all is done, as long as the rest goes on like what is `done` since `began`."""
    seconds = (time.monotonic() - began) / max(1, done) * max(0, total - done)
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
