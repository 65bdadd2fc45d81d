"""Locks of other processes, looked at without touching them."""

from __future__ import annotations

import fcntl
from pathlib import Path

from prune.files import confined


def is_held(root: Path, lock: Path) -> bool:
    """Whether a process holds a file lock below `root`; False where there is none, or this machine cannot tell."""
    try:
        confined.check_file(root, lock)
        with lock.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
