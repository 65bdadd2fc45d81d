"""What was measured while other work took the cores is noticed, measured again, and marked."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from prune.measure.contention import MOST_WAITED, seconds_waited
from prune.measure.speed import time_pairs
from tests.measure.halved import batch

BUSY = """
import os, time
from prune.measure.contention import seconds_waited
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
before, start = seconds_waited(), time.perf_counter()
while time.perf_counter() < start + 1: pass
print(seconds_waited() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not tell how long threads wait")
def test_two_processes_on_one_core_wait_for_each_other():
    started = [subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) for _ in range(2)]
    waited = [float(process.communicate()[0]) for process in started]
    assert sum(waited) > 0.5  # of two seconds that both wanted, in at most one and a bit


def test_where_the_system_does_not_tell_nothing_was_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr("prune.measure.contention._THREADS", tmp_path)
    assert seconds_waited() == 0.0


@pytest.fixture
def timed(monkeypatch):
    """The speed that pairs give, by their ratio and by the share of their time that was waited; and their number."""

    def time(pairs, number, most=None):
        calls, asked = [], []

        def seconds(_device, _call):
            calls.append(None)
            ratio, _ = pairs[(len(calls) - 1) // 2 % len(pairs)]
            return ratio if len(calls) % 2 else 1.0

        def waited():
            asked.append(None)
            call = (len(asked) - 1) // 2  # which is asked for before it and after
            ratio, share = pairs[call // 2 % len(pairs)]
            return 0.0 if len(asked) % 2 else share * (1.0 if call % 2 else ratio)

        monkeypatch.setattr("prune.measure.speed.seconds", seconds)
        monkeypatch.setattr("prune.measure.speed.seconds_waited", waited)
        speed = time_pairs(None, None, [batch(1, 8)], torch.device("cpu"), number, promised=1.0, most=most)
        return speed, len(calls) // 2 - 3  # three pairs warm up

    return time


def test_pairs_that_were_disturbed_are_measured_again(timed):
    speed, number = timed([(2.0, 0.0), (9.0, 0.5)], 8)
    assert (speed.speedup, speed.waited, number) == (2.0, 0.0, 16)


def test_pairs_that_all_were_disturbed_are_told(timed):
    speed, number = timed([(9.0, 0.5), (8.0, 0.25)], 8)
    assert (speed.speedup, number) == (8.0, 16)
    assert speed.waited == pytest.approx(0.25)


def test_nothing_is_measured_again_on_a_quiet_machine(timed):
    assert timed([(2.0, MOST_WAITED / 2)], 8)[1] == 8
