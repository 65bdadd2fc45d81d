"""Runs as processes of their own: killed, two at once, without a network."""

import os
import signal
import subprocess
import sys
import time

import pytest

from prune.files.paths import PACKAGE
from prune.results.record import Record, results_of
from tests.runs.tiny import WORDS, call, folders


def process(*words, **variables):
    """The tiny run as a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGE.parent)} | variables
    line = [sys.executable, "-m", "prune", *WORDS, *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(folder, pattern, running, seconds=60, number=1):
    """Waits until so many files have appeared."""
    end = time.monotonic() + seconds
    while len(list(folder.glob(pattern))) < number:
        assert running.poll() is None, f"ended before {pattern} appeared: {running.communicate()[1]}"
        assert time.monotonic() < end, f"no {pattern} after {seconds} s"
        time.sleep(0.02)


@pytest.mark.parametrize("stage", ["dense/*", pytest.param("pruned/*", marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_and_gives_the_same_record(alone, stage):
    words = ["schedule.epochs=3", "schedule.dense_epochs=3", "schedule.checkpoint_every=0.1", "method=struct"]
    undisturbed, disturbed = alone / "undisturbed", alone / "disturbed"
    undisturbed.mkdir(), disturbed.mkdir()
    os.chdir(undisturbed)
    assert call(*words, method="struct")[0] == 0
    os.chdir(disturbed)
    running = process(*words)
    # Two, since the newer one may be half written when the process dies.
    wait_for(disturbed, f"outputs/{stage}/checkpoints/checkpoint-*/trainer_state.json", running, number=2)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not list(disturbed.glob(f"outputs/{stage}/stage.json")), "killed too late"
    code, _, err = call(*words, method="struct")
    assert code == 0, err
    assert "going on from step" in err
    records = [Record.read(folders(side / "outputs")["struct"] / "record.json") for side in (undisturbed, disturbed)]
    assert results_of(records[1]) == results_of(records[0])


@pytest.mark.slow
def test_two_processes_at_once_train_the_dense_model_once(alone):
    running = [process(f"method={method}") for method in ("struct", "block")]
    said = [one.communicate(timeout=120) for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    assert sum("fine-tuning the unpruned model" in err for _, err in said) == 1
    assert set(folders("outputs")) == {"struct", "block"}
    assert len((alone / "outputs" / "results.csv").read_text().splitlines()) in (2, 3)


@pytest.mark.parametrize(
    ("word", "option"), [("model=bert_base", "model.path="), ("task=sst2", "task.path="), ("teacher=a/b", "teacher")]
)
def test_without_a_network_a_hub_name_is_an_error_that_names_the_option(alone, word, option):
    running = process(word, "method=struct", HF_HUB_OFFLINE="1", HF_HOME=str(alone / "home"))
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (2, "")
    assert option in err
    assert "Traceback" not in err
