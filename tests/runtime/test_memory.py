"""Memory that the process keeps: a timed call finds the pages of those before, until they are given back."""

import functools
import os
import subprocess
import sys

import pytest

from prune.runtime.memory import keep_few_kernels

NUMBERS = 20_000_000
TIMED = f"""
import resource, torch
from prune.runtime.memory import keep_memory
from prune.measure.speed import seconds
pages = []
for _ in range(10):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    seconds(torch.device("cpu"), lambda: torch.ones({NUMBERS}))
    pages.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(keep_memory(), min(pages[3:]) * resource.getpagesize())
"""
FREED = f"""
import psutil, sys, torch
from prune.runtime.memory import forget_peak, give_back_memory, keep_memory, peak_memory_bytes
torch.ones({NUMBERS})
with_it = peak_memory_bytes()
forget_peak()
print(sys.platform == "linux", with_it - peak_memory_bytes())
kept = keep_memory()
torch.ones({NUMBERS})
before = psutil.Process().memory_info().rss
give_back_memory()
print(kept, before - psutil.Process().memory_info().rss)
"""


@functools.cache
def lines_of(script):
    """What a script says in a process of its own: what others left in memory would decide here."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split("\n")


def bytes_of(script, line=0):
    kept, found = lines_of(script)[line].split()
    if kept == "False":
        pytest.skip("another C library than glibc, or another system than Linux")
    return int(found)


def test_timed_calls_find_the_memory_of_those_before():
    """Not each of them: a kernel may take pages away in between."""
    assert bytes_of(TIMED) < NUMBERS  # a quarter of what a call writes; without kept memory every call needs fresh ones


def test_what_is_free_is_given_back():
    assert bytes_of(FREED, line=1) > 3 * NUMBERS  # of four bytes each


def test_a_peak_is_that_of_what_came_since_the_last_was_forgotten():
    assert bytes_of(FREED) > 3 * NUMBERS


@pytest.mark.parametrize(("own", "expected"), [(None, "256"), ("7", "7")])
def test_few_kernels_are_kept_where_the_user_says_nothing_else(own, expected, monkeypatch):
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", own or "")  # so that it is put back
    if own is None:
        monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    keep_few_kernels()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == expected
