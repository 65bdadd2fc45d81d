"""GPUs of runs that go at once: never two on one while another is free; a run that dies gives its own back."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from prune.files.paths import PACKAGE
from prune.sweeps.devices import gpus, one_of, share_of_cores

HOLD = """
import sys, time
from pathlib import Path
from prune.sweeps.devices import one_of
with one_of(["0", "1"], Path(sys.argv[1])) as name:
    print(name, flush=True)
    time.sleep(60)
"""


def test_each_has_its_own_until_there_are_more_runs_than_gpus(tmp_path):
    with ExitStack() as rest:
        first = ExitStack()
        held = [first.enter_context(one_of(["0", "1", "2"], tmp_path))]
        held += [rest.enter_context(one_of(["0", "1", "2"], tmp_path)) for _ in range(5)]
        assert sorted(held[:3]) == sorted(held[3:]) == ["0", "1", "2"]
        first.close()
        assert rest.enter_context(one_of(["0", "1", "2"], tmp_path)) == held[0]
    with one_of(["2", "0"], tmp_path) as name:
        assert name == "2"


def test_where_there_is_no_gpu_none_is_held(tmp_path):
    with one_of([], tmp_path) as name:
        assert name is None
    assert list(tmp_path.iterdir()) == []


def test_other_processes_are_seen_and_a_killed_one_gives_its_gpu_back(tmp_path):
    line = [sys.executable, "-c", HOLD, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment) as other:
        try:
            assert other.stdout.readline() == "0\n"
            with one_of(["0", "1"], tmp_path) as name:
                assert name == "1"
        finally:
            other.kill()
    with one_of(["0", "1"], tmp_path) as name:
        assert name == "0"


@pytest.mark.parametrize(
    ("visible", "found"), [("", []), ("-1", []), ("3", ["3"]), ("1,GPU-8932f937", ["1", "GPU-8932f937"])]
)
def test_the_gpus_that_the_user_allows(monkeypatch, visible, found):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == found


def test_all_gpus_where_the_user_says_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H200 (UUID: GPU-a)'\necho '  MIG 1g'\necho 'GPU 1: H200 (UUID: GPU-b)'\n")
    tool.chmod(0o755)
    assert gpus() == ["0", "1"]


@pytest.mark.parametrize(("at_once", "threads"), [(1, None), (2, "4"), (3, "2"), (20, "1")])
def test_processes_share_the_cores(monkeypatch, at_once, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("prune.sweeps.devices.cores", lambda: 8)
    assert share_of_cores(at_once) == ({"OMP_NUM_THREADS": threads} if threads else {})
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert share_of_cores(at_once) == {}
