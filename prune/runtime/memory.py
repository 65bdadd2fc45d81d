"""Memory that the process keeps, so that work finds the pages of the work before; and the most that it has used."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Of glibc's malloc.h."""
_NEVER = 2**31 - 1
_KERNELS = 256
"""More than two models have different matrix products in a pass; oneDNN itself keeps 1024."""
_STATUS, _PEAK_RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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


def keep_few_kernels() -> None:
    """Has oneDNN keep fewer of the kernels that it makes, one for each shape of a product; to be called before any.

    Batches of many lengths, in models of ever smaller widths, otherwise leave some hundred megabytes of them.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_KERNELS))


def give_back_memory() -> None:
    """Gives what is free back to the kernel, so that what comes next does not add to what is over."""
    gc.collect()  # a Trainer and its model hold each other
    trim()


def trim() -> None:
    """The same at once, without a look for what holds each other."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> None:
    """Has `peak_memory_bytes` begin anew, where the system can."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):
        _PEAK_RESET.write_text("5")


def peak_memory_bytes() -> int:
    """Highest memory use, of the GPU if there is one, of this process otherwise.

    Since `forget_peak` was called last; on the CPU of another system than Linux since the process began.
    """
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    with suppress(OSError, StopIteration):
        lines = _STATUS.read_text("utf-8").splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
