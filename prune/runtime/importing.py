"""Imports of much code: modules are many objects that stay, among which nobody need look for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Meanwhile there is no garbage collection; later ones pass over what was imported."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _freeze_once()


@cache
def _freeze_once() -> None:
    gc.freeze()  # a second time it would keep garbage of finished runs
