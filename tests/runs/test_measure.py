"""`prune measure`: the speed of a finished run, measured anew."""

import json
import shutil

import pytest
import yaml

from prune.results.record import Record, results_of
from tests.runs.tiny import command

STALE = {"batch_size": 2, "length": 16, "speedup": 99.0, "speedup_theoretical": 2.0, "waited": 0.5}


@pytest.fixture
def run(finished_runs, tmp_path):
    """The folder of a run whose speed was measured beside other work."""
    folder = finished_runs.copy("struct", tmp_path / "outputs")
    content = json.loads((folder / "record.json").read_text())
    content["speed"] = [STALE]
    (folder / "record.json").write_text(json.dumps(content))
    return folder


def test_its_speed_is_measured_and_entered(run):
    before = Record.read(run / "record.json")
    assert before.is_disturbed
    code, out, err = command("measure", str(run))
    assert code == 0, err
    after = Record.read(run / "record.json")
    assert [speed["batch_size"] for speed in after.speed] == [1, 2]
    assert 0 < after.speedup < 99
    assert results_of(after) == results_of(before)
    assert yaml.safe_load((run / "recipe.yaml").read_text())["reference"]["speedup"] == after.speedup
    assert json.loads((run / "model/pruning.json").read_text())["speedup"] == after.speedup
    assert f"{after.speedup:.2f}x" in out
    assert f"{after.speedup:.2f}x" in (run.parents[4] / "results.md").read_text()


def test_under_other_settings_it_is_only_shown(run):
    files = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    words = ("evaluate.speed.length=real", "evaluate.speed.batch_sizes=[4]")
    code, out, err = command("measure", str(run), *words)
    assert code == 0, err
    assert "real tokens" in out
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == files


def test_disturbed_speeds_are_marked_in_the_table(run):
    _, out, _ = command("table", str(run.parents[4]))
    assert "99.00x †" in out
    assert "†: measured while other work took the cores" in " ".join(out.split())
    _, out, _ = command("table", str(run.parents[4]), "format=json")
    (row,) = [row for row in json.loads(out) if row["kind"] == "run"]
    assert row["disturbed"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the folder of a finished run"),
        (("seed=3",), "name the folder of a finished run"),
        (("RUN", "seed=3"), "'seed=3' is not known. Allowed: evaluate.speed.<setting>=<one value>"),
        (("RUN", "evaluate.speed.lenth=3"), "did you mean 'evaluate.speed.length'?"),
        (("RUN", "evaluate.speed.pairs=1"), "evaluate.speed.pairs=1: must be at least 2"),
        (("RUN/model",), "is not the folder of a finished run"),
    ],
)
def test_mistakes_are_named(run, words, said):
    code, _, err = command("measure", *(word.replace("RUN", str(run)) for word in words))
    assert code == 2
    assert said in err


def test_a_run_without_its_dense_model_is_refused(run):
    (dense,) = run.parents[4].glob("dense/*/")
    shutil.rmtree(dense)
    code, _, err = command("measure", str(run))
    assert code == 2
    assert "the unpruned model is gone" in " ".join(err.split())
