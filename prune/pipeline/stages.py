"""A stage looks first whether its output is there; one run at a time works in a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from filelock import FileLock, Timeout
from transformers import PreTrainedModel

from prune.errors import UserError
from prune.files.checksums import Damaged
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.runtime.memory import forget_peak, give_back_memory, peak_memory_bytes
from prune.runtime.resources import writing
from prune.runtime.screen import Screen


class Stopwatch:
    """Measures one stage."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._start, self._data = time.monotonic(), dict(data)

    def report(self, **values: Any) -> dict[str, Any]:
        """`values`, with the time in seconds, the stage's peak memory in bytes, and the data's fingerprints."""
        measured = {"seconds": time.monotonic() - self._start, "peak_memory_bytes": peak_memory_bytes()}
        return {**measured, "data": self._data, **values}


@contextmanager
def unfinished(
    folder: StageFolder, name: str, screen: Screen, data: Mapping[str, str], force: bool = False
) -> Iterator[Stopwatch | None]:
    """Yields a running stopwatch, or None if the stage's output is there; the folder is locked meanwhile.

    Raises:
        UserError: if the output was made from other data than those with the fingerprints `data`, or if disk or memory
            are exhausted.
    """
    with locked(folder, screen):
        if distributed.broadcast_from_main(lambda: _is_there(folder, data, screen, force)):
            screen.stage(name, f"is there: {folder.path}")
            yield None
            return
        give_back_memory()
        if not folder.is_part:
            forget_peak()
        with writing(folder.path):
            yield Stopwatch(data)


def _is_there(folder: StageFolder, data: Mapping[str, str], screen: Screen, force: bool) -> bool:
    """Whether the stage's output is there, and as it was left; makes room for it otherwise."""
    if force:
        folder.remove()
    try:
        report = folder.read_report()
    except Damaged as error:
        screen.warn(f"{error}: the stage of {folder.path} is carried out again")
        folder.remove()
        report = None
    if report is not None and report["data"] != data:
        raise UserError(
            f"{folder.path} was made from other data than are at task.path now: remove that folder, or name "
            "another one with outputs="
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    return report is not None


def saving(model: PreTrainedModel, folder: StageFolder) -> AbstractContextManager[None]:
    """Says what the weights of `model` take, where there is no room for them."""
    return writing(folder.model, sum(p.numel() * p.element_size() for p in model.parameters()))


@contextmanager
def locked(folder: StageFolder, screen: Screen) -> Iterator[None]:
    """Holds the folder's lock; says so when it has to wait for another run. Of several processes the first holds it."""
    if not distributed.is_main_process():
        yield
        return
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
