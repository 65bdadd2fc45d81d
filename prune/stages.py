"""A stage looks first whether its output is there; one process at a time works in a folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from filelock import FileLock, Timeout

from prune.measure.environment import peak_memory_bytes
from prune.outputs import StageFolder
from prune.training.progress import Screen


class Stopwatch:
    """Measures one stage."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def report(self, **values: Any) -> dict[str, Any]:
        """`values`, with the stage's time in seconds and the process's peak memory in bytes."""
        return {"seconds": time.monotonic() - self._start, "peak_memory_bytes": peak_memory_bytes(), **values}


@contextmanager
def unfinished(folder: StageFolder, name: str, screen: Screen, force: bool = False) -> Iterator[Stopwatch | None]:
    """Yields a running stopwatch, or None if the stage's output is there; the folder is locked meanwhile."""
    with locked(folder, screen):
        if force:
            shutil.rmtree(folder.path, ignore_errors=True)
        if folder.read_report() is not None:
            screen.stage(name, f"is there: {folder.path}")
            yield None
            return
        folder.path.mkdir(parents=True, exist_ok=True)
        yield Stopwatch()


@contextmanager
def locked(folder: StageFolder, screen: Screen) -> Iterator[None]:
    """Holds the folder's lock; says so when it has to wait for another process."""
    folder.lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        screen.say(f"          another process works on {folder.path}: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
