"""Runs as processes of their own: killed, two at once, without a network."""

import json
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


def wait_for(folder, pattern, running, seconds=300, number=1):
    """Waits until so many files have appeared."""
    end = time.monotonic() + seconds
    while len(list(folder.glob(pattern))) < number:
        assert running.poll() is None, f"ended before {pattern} appeared: {running.communicate()[1]}"
        assert time.monotonic() < end, f"no {pattern} after {seconds} s"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("stage", "epochs"),
    [("dense/*", "schedule.dense_epochs=2"), pytest.param("pruned/*", "schedule.epochs=3", marks=pytest.mark.slow)],
)
def test_a_killed_run_goes_on_and_gives_the_same_record(alone, stage, epochs):
    words = [epochs, "schedule.checkpoint_every=0.1", "method=struct"]
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


WITHOUT_NETWORK = """
import json, sys
from prune.cli.main import main
for word in json.loads(sys.argv[1]):
    print("word", word, file=sys.stderr)
    try:
        main([*sys.argv[2:], "method=struct", word])
    except SystemExit as end:
        print("code", end.code, file=sys.stderr)
"""


def test_without_a_network_a_hub_name_is_an_error_that_names_the_option(alone):
    options = {"model=bert_base": "model.path=", "task=sst2": "task.path=", "teacher=a/b": "teacher"}
    variables = {"PYTHONPATH": str(PACKAGE.parent), "HF_HUB_OFFLINE": "1", "HF_HOME": str(alone / "home")}
    line = [sys.executable, "-c", WITHOUT_NETWORK, json.dumps(list(options)), *WORDS]
    result = subprocess.run(line, capture_output=True, text=True, env=os.environ | variables, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert "Traceback" not in result.stderr
    for part in result.stderr.split("word ")[1:]:
        word, *lines = part.splitlines()
        assert options.pop(word) in "\n".join(lines)
        assert lines[-1] == "code 2"
    assert options == {}
