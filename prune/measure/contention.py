"""Whether a measurement had the cores for itself: how long threads of this process were ready and waited for one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")
MOST_WAITED = 0.05
"""Share of a measurement's time above which it tells more about other work than about a model."""


def seconds_waited() -> float:
    """How long all threads of this process have waited for a core until now: Linux tells; elsewhere 0."""
    nanoseconds = 0
    for file in _THREADS.glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            nanoseconds += int(file.read_text().split()[1])
    return nanoseconds / 1e9
