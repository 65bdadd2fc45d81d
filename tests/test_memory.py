"""Memory that the process keeps: a timed call finds the pages of those before."""

import subprocess
import sys

import pytest

NUMBERS = 20_000_000
TIMED = f"""
import resource, torch
from prune.measure.memory import keep_memory
from prune.measure.speed import seconds
pages = []
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    seconds(torch.device("cpu"), lambda: torch.ones({NUMBERS}))
    pages.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(keep_memory(), max(pages[3:]) * resource.getpagesize())
"""


def test_timed_calls_find_the_memory_of_those_before():
    """In a process of its own: what others left in memory, and in which thread, would decide here."""
    result = subprocess.run([sys.executable, "-c", TIMED], capture_output=True, text=True, check=True)
    kept, fresh = result.stdout.split()
    if kept == "False":
        pytest.skip("the C library is not glibc")
    assert int(fresh) < NUMBERS  # bytes: a quarter of what a call writes
