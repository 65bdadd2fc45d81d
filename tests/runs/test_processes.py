"""Two processes in one run: they share every step, and leave one folder, with the record that one process leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from prune.files.paths import PACKAGE
from prune.results.record import Record, results_of
from tests.runs.tiny import TINY, call, folders

METHODS = ("hybrid_filled", "one_shot")
WORDS = (
    "task=demo", "task.train_examples=57", "task.eval_examples=32", *TINY, "target.density=0.3",
    "method.importance_examples=32",
)  # fmt: skip
"""The last of eight steps has a single example, which one of two processes computes alone."""


def torchrun(*words, cwd):
    """Starts two processes; exit code, standard output, standard error."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGE.parent), "HF_HUB_OFFLINE": "1"}
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *words]
    found = subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=environment, check=False, timeout=300)
    return SimpleNamespace(code=found.returncode, out=found.stdout, err=found.stderr)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A sweep over two methods in one process and in two: their folders, and what the two said."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    code, _, err = call("-m", f"outputs={one / 'outputs'}", method=",".join(METHODS), run=WORDS)
    assert code == 0, err
    said = torchrun("-m", "prune", "-m", *WORDS, f"method={','.join(METHODS)}", cwd=two)
    assert said.code == 0, said.err
    return SimpleNamespace(one=one / "outputs", two=two / "outputs", said=said)


def numbers(content, path=()):
    """The numbers in nested results, by where they stand."""
    if isinstance(content, (dict, list)):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return {key: value for name, item in items for key, value in numbers(item, (*path, name)).items()}
    return {path: content}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_two_processes_leave_the_record_of_one(runs, method):
    """The sums over a batch are rounded in another order: 1e-6 in a logit, which may turn an answer or two of 32."""
    one, two = (results_of(Record.read(folders(side)[method] / "record.json")) for side in (runs.one, runs.two))
    assert one["config"].pop("outputs") != two["config"].pop("outputs")
    found = numbers(two)
    assert found.keys() == numbers(one).keys()
    for path, value in numbers(one).items():
        if path[0] in ("value", "dense_value", "scores", "dense_scores"):
            assert found[path] == pytest.approx(value, abs=2 / 32), path
        elif path[0] == "largest_logit_difference":
            assert max(found[path], value) < 1e-5
        else:
            assert found[path] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), path


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["dense/*", "pruned/*", "demo/demo/*/*/seed_0/filled"])
def test_every_step_has_the_loss_of_one_process(runs, stage):
    files = sorted(runs.one.glob(f"{stage}/history.json"))
    assert files
    for file in files:
        one, two = (json.loads((side / file.relative_to(runs.one)).read_text()) for side in (runs.one, runs.two))
        assert len(one) == len(two) > 3
        for line, other in zip(one[:-1], two[:-1], strict=True):  # the last tells times
            measured, expected = ({k: v for k, v in each.items() if k != "seconds"} for each in (other, line))
            assert measured == pytest.approx(expected, rel=1e-3, abs=1e-4), f"{file}, step {line['step']}"


@pytest.mark.slow
def test_one_process_speaks_and_one_folder_is_left(runs):
    assert runs.said.err.count("fine-tuning the unpruned model") == 1
    assert runs.said.out.count("one_shot, density 0.3") == 2  # its own table, and that of the sweep
    names = [sorted(path.relative_to(side).as_posix() for path in side.glob("*/*")) for side in (runs.one, runs.two)]
    assert [name for name in names[1] if "sweeps" not in name] == [name for name in names[0] if "sweeps" not in name]
    assert len(list(runs.two.glob("sweeps/*"))) == 1
    assert not list(runs.two.rglob("checkpoint-*"))
    environment = Record.read(folders(runs.two)["one_shot"] / "record.json").environment
    assert environment["processes"] == 2


TALK = """
import os
from pathlib import Path
from prune.errors import UserError
from prune.runtime import distributed

def refuse():
    raise UserError("no such thing")

rank = int(os.environ["RANK"])
assert (distributed.num_processes(), distributed.process_index(), distributed.is_main_process()) == (2, rank, rank == 0)

def nested():
    return rank, distributed.num_processes(), distributed.broadcast_from_main(lambda: "at once")

inside = distributed.broadcast_from_main(nested)
assert inside == (0, 1, "at once")
assert distributed.all_gather(rank * 10) == [0, 10]
left = Path("left")
assert distributed.main_process_first(lambda: left.exists() or left.touch()) == (True if rank else None)
for share in (distributed.broadcast_from_main, distributed.main_process_first):
    for make in (refuse, lambda: refuse() if rank else None):
        try:
            share(make)
        except UserError as error:
            assert str(error) == "no such thing"
        else:
            assert share is distributed.broadcast_from_main and make is not refuse
Path(f"done_{rank}").touch()
from prune.cli.main import main
main(["model=bertt", "task=demo"])
"""


@pytest.mark.slow
def test_processes_talk_and_fail_together_and_say_it_once(tmp_path):
    (tmp_path / "talk.py").write_text(TALK)
    said = torchrun("talk.py", cwd=tmp_path)
    assert (tmp_path / "done_0").exists(), said.err
    assert (tmp_path / "done_1").exists(), said.err
    assert said.err.count("prune: model=bertt") == 1
    assert "exitcode  : 2" in said.err  # of the processes; that of torchrun itself is 1


def test_a_batch_that_cannot_be_shared_equally_is_refused(tmp_path, monkeypatch):
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    code, out, err = call(f"outputs={tmp_path}")
    assert (code, out) == (2, "")
    assert "schedule.batch_size=8: the examples of a step cannot be shared equally by 3 processes" in err
    assert not list(Path(tmp_path).iterdir())
