"""Runs in processes of their own: what becomes of each is found out, and launchers carry them there and back."""

import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from prune.files.paths import PACKAGE
from prune.runtime.screen import WAITING
from prune.sweeps import jobs
from prune.sweeps.jobs import Failure, _in_a_process
from tests.config.test_schema import composed
from tests.runs.tiny import WORDS
from tests.sweeps import pretended
from tests.sweeps.pretended import DEMO, penalties

STAND_IN = """
import os, pathlib, signal, sys
print("visible", os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
what = sys.argv[1]
if what == "mistake":
    print("prune: task.path=x: there is no such split\\n       name another", file=sys.stderr)
    sys.exit(2)
if what == "crash":
    pathlib.Path("error.txt").write_text("ValueError: loss is nan\\n\\nTraceback ...")
    sys.exit(1)
if what == "early":
    sys.exit(1)
if what == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if what == "waits":
    import time
    print("prepare")
    print("          waiting for another process, which works on a/b", flush=True)
    time.sleep(0.3)
if what == "interrupted":
    sys.exit(130)
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Calls a program that stands in for the command; its log."""
    (tmp_path / "prune").mkdir()
    (tmp_path / "prune" / "__init__.py").touch()
    (tmp_path / "prune" / "__main__.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def call(what, heard=lambda _: None, **variables):
        _in_a_process([what], tmp_path / "error.txt", tmp_path / "1.log", variables, heard)
        return (tmp_path / "1.log").read_text()

    return call


def test_a_process_has_the_variables_that_it_is_given(process):
    assert process("fine") == "visible None\n"
    assert process("fine", CUDA_VISIBLE_DEVICES="3") == "visible 3\n"


def test_what_a_process_waits_for_is_told(process, monkeypatch, capsys):
    monkeypatch.setattr(jobs, "_SECONDS_BETWEEN_LOOKS", 0.05)
    process("waits", heard=partial(jobs._relay, "1/4"))
    assert capsys.readouterr().err.splitlines() == [f"1/4  {WAITING}, which works on a/b"]


@pytest.mark.parametrize(
    ("what", "reason", "details"),
    [
        ("mistake", "task.path=x: there is no such split name another", "1.log"),
        ("crash", "ValueError: loss is nan", "error.txt"),
        ("early", "its process ended with code 1", "1.log"),
        ("killed", "its process was ended by SIGKILL", "1.log"),
    ],
)
def test_why_a_process_failed(process, what, reason, details):
    with pytest.raises(Failure) as failure:
        process(what)
    assert failure.value.reason == reason
    assert Path(failure.value.details).name == details


def test_a_process_that_was_killed_leaves_its_reason_in_the_folder_of_the_run(process, tmp_path):
    with pytest.raises(Failure):
        process("killed")
    assert (tmp_path / "error.txt").read_text() == "its process was ended by SIGKILL\n"


def test_an_interrupt_of_a_process_is_one_of_the_sweep(process):
    with pytest.raises(KeyboardInterrupt):
        process("interrupted")


def sweep(*words, **variables):
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent), "COLUMNS": "200"} | variables
    line = [sys.executable, "-m", "prune", "-m", *WORDS, *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.slow
def test_joblib_runs_go_at_once_and_share_one_dense_model(tmp_path, monkeypatch):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs pip install -e '.[joblib]'")
    monkeypatch.chdir(tmp_path)
    running = sweep("hydra/launcher=joblib", "method=struct,uniform", "method.density=0.3", CUDA_VISIBLE_DEVICES="")
    out, err = running.communicate(timeout=500)
    assert running.returncode == 0, err
    assert err.startswith("2 runs by joblib; what each says is in ")
    assert "1/2  method=struct\n" in err
    assert "2/2  method=uniform  is finished: accuracy" in err
    assert "2 finished, 0 failed, 0 left" in err
    assert "struct, penalty 1" in out
    assert "uniform, " in out
    logs = [file.read_text() for file in tmp_path.glob("outputs/sweeps/*/*.log")]
    assert len(logs) == 2
    assert sum("fine-tuning the unpruned model" in log for log in logs) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]


@pytest.mark.slow
def test_a_launcher_brings_back_what_is_finished_and_what_failed(tmp_path, monkeypatch):
    """One run is finished already; the other's data are cut off, which is found only once they are read."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs pip install -e '.[slurm]'")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(PACKAGE / "demo" / "data", "whole")
    shutil.copytree(PACKAGE / "demo" / "data", "broken")
    Path("broken/validation.jsonl").write_text('{"text": "cut off\n')
    pretended.run(composed(*WORDS, "method=struct", "task.path=./whole"))
    running = sweep("hydra/launcher=submitit_local", "method=struct", "task.path=./whole,./broken")
    out, err = running.communicate(timeout=500)
    assert running.returncode == 1, err
    assert "penalty 1" in out
    assert "1 finished, 1 failed, 0 left" in err
    assert "Traceback" not in err
    (again,) = [line for line in err.splitlines() if line.lstrip().startswith("again: prune ")]
    assert "task.path=./broken" in again


KILLED = """
import os, signal, sys
from types import SimpleNamespace
from tests.sweeps import pretended
from tests.sweeps.pretended import DEMO, penalties
def run(config, screen):
    if config.method.penalty == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return pretended.run(config)
sys.modules["prune.pipeline.run"] = SimpleNamespace(run=run)
from prune.cli.main import main
main(sys.argv[1:])
"""


def test_a_killed_sweep_goes_on(tmp_path, prune, carried_out):
    words = ("-m", "method.penalty=1,3,5")
    line = [sys.executable, "-c", KILLED, *DEMO, *words]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    killed = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "2/3  method.penalty=3" in killed.stderr
    code, _, err = prune(*words)
    assert code == 0
    assert "1/3  method.penalty=1  was finished" in err
    assert penalties(carried_out) == [3, 5]
