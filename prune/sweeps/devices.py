"""Which GPU and how many threads a run has, where several go at once on one machine."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

VISIBLE = "CUDA_VISIBLE_DEVICES"
_THREADS = "OMP_NUM_THREADS"
_NONE = ("", "-1", "NoDevFiles")
_MOST = 32
"""Runs that share one GPU, at most."""


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. Loads nothing onto any."""
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        return [] if visible in _NONE else visible.split(",")
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_of_cores(at_once: int) -> dict[str, str]:
    """The environment of one of `at_once` processes, so that they have no more threads than there are cores.

    What the user says is left alone.
    """
    threads = max(1, cores() // at_once)
    return {} if at_once == 1 or _THREADS in os.environ else {_THREADS: str(threads)}


@contextmanager
def one_of(names: Sequence[str], folder: Path | None = None) -> Iterator[str | None]:
    """Holds the least used of the GPUs `names` among all runs of this user on this machine; None where there is none.

    So no two runs are on one while another is free. A run that dies gives its GPU back: the locks are the system's.
    """
    if not names:
        yield None
        return
    folder = folder or Path(tempfile.gettempdir()) / f"prune-gpus-{getpass.getuser()}"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        while (name := _least_used(names, folder, held)) is None:
            time.sleep(1)
        yield name


def _least_used(names: Sequence[str], folder: Path, held: ExitStack) -> str | None:
    """Takes a place on the GPU with the fewest places taken; None where all are full."""
    with FileLock(folder / "choosing.lock"):
        free = {name: [lock for lock in _places(folder, name) if _is_free(lock)] for name in names}
        name = max(names, key=lambda name: len(free[name]))
        if not free[name]:
            return None
        held.enter_context(free[name][0])
        return name


def _places(folder: Path, name: str) -> list[FileLock]:
    return [FileLock(folder / f"{name}.{place}.lock") for place in range(_MOST)]


def _is_free(lock: FileLock) -> bool:
    try:
        with lock.acquire(timeout=0):
            return True
    except Timeout:
        return False
