"""Memory that the process keeps: work then finds the pages of the work before, and the kernel clears no fresh ones."""

from __future__ import annotations

import ctypes
import gc
from functools import cache

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Of glibc's malloc.h."""
_NEVER = 2**31 - 1


@cache
def keep_memory() -> bool:
    """Has the C library keep what is freed, so that a pass finds the pages of the one before; returns whether it does.

    glibc otherwise gives large blocks back, or keeps them, depending on all that the process did before: training takes
    longer, and the same two models had ratios that were 10 % apart. Without glibc nothing changes, and in threads
    beside the first the largest blocks are still fresh.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _NEVER))


def give_back_memory() -> None:
    """Gives what is free back to the kernel, so that what comes next does not add to the peak of what is over."""
    gc.collect()  # a Trainer and its model hold each other
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return
