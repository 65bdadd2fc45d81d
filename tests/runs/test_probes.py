"""Probes, by words of the command alone: scored for dense and pruned, by groups, and kept apart from the metric."""

import json
import shutil

import pytest
from datasets import Dataset

from prune.files.paths import PACKAGE
from prune.results.layout import RunFolder
from prune.results.record import Record
from tests.composing import composed, refused
from tests.runs.tiny import call, command, folders
from tests.tasks.files import write

NAMES = ["good", "bad", "awful"]


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    """A YAML file of 60 reviews of the demo's training split, in three labels, two of which the task never gives."""
    folder = tmp_path_factory.mktemp("probe")
    rows = Dataset.from_json(str(PACKAGE / "demo" / "data" / "train.jsonl")).select(range(60))
    write(
        folder / "validation.jsonl",
        [
            {"text": row["text"], "label": 0 if row["label"] else 1 + n % 2, "kind": f"k{n % 3}"}
            for n, row in enumerate(rows)
        ],
    )
    file = folder / "mine.yaml"
    file.write_text(
        f"name: mine\npath: {folder}\ntext: [text]\nlabels: [good, bad, awful]\n"
        "label_of: {praising: good, blaming: bad}\ngroups: [[label], [kind], [kind, label]]\n"
    )
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory, probe):
    """The outputs of a run of struct with that probe."""
    outputs = tmp_path_factory.mktemp("outputs")
    code, _, err = call(f"outputs={outputs}", f"task.probes=['{probe}']", method="struct")
    assert code == 0, err
    return outputs


def record_of(outputs):
    return Record.read(RunFolder(folders(outputs)["struct"]).record)


def test_scores_follow_from_the_predictions(finished, probe):
    run, record = RunFolder(folders(finished)["struct"]), record_of(finished)
    rows = [json.loads(line) for line in (probe.parent / "validation.jsonl").read_text().splitlines()]
    given = json.loads((run.probe("mine").path / "predictions.json").read_text())
    assert set(given.values()) <= {"good", "bad"}
    right = [given[str(n)] == NAMES[row["label"]] for n, row in enumerate(rows)]
    scores = record.probes["mine"]
    assert scores["accuracy"] == pytest.approx(sum(right) / 60)
    assert scores["label awful"] == 0
    of_kind = [one for n, one in enumerate(right) if n % 3 == 1]
    assert scores["kind k1"] == pytest.approx(sum(of_kind) / len(of_kind))
    assert {"kind k0, label good", "kind k2, label bad"} <= scores.keys()
    labels = [row["label"] for row in rows]
    assert scores["chance"] == pytest.approx(max(map(labels.count, range(3))) / 60)
    assert record.dense_probes["mine"].keys() == scores.keys()


def test_probes_change_neither_the_run_nor_its_dense_model(finished, tmp_path, probe):
    """A run that was finished without probes gets them, and nothing is trained again."""
    shutil.copytree(finished, tmp_path / "outputs")
    file = RunFolder(folders(tmp_path / "outputs")["struct"]).record
    before = json.loads(file.read_text())
    file.write_text(json.dumps(before | {"probes": {}, "dense_probes": {}}))
    code, _, err = call(f"outputs={tmp_path / 'outputs'}", f"task.probes=['{probe}']", method="struct")
    assert code == 0, err
    assert "It is scored on mine as well." in " ".join(err.split())
    after = json.loads(file.read_text())
    assert after == before
    code, _, err = call(f"outputs={tmp_path / 'outputs'}", method="struct")
    assert (code, "Its result is shown" in " ".join(err.split())) == (0, True)


def test_the_dense_model_is_scored_once(finished, tmp_path, probe):
    shutil.copytree(finished, tmp_path / "outputs")
    (file,) = (tmp_path / "outputs" / "dense").glob("*/probes/mine/scores.json")
    kept = json.loads(file.read_text())
    kept["scores"]["accuracy"] = 0.125
    file.write_text(json.dumps(kept))
    code, _, err = call(f"outputs={tmp_path / 'outputs'}", f"task.probes=['{probe}']", "force=true", method="struct")
    assert code == 0, err
    assert record_of(tmp_path / "outputs").dense_probes["mine"]["accuracy"] == 0.125
    file.write_text(json.dumps(kept | {"data": "others"}))
    call(f"outputs={tmp_path / 'outputs'}", f"task.probes=['{probe}']", "force=true", method="struct")
    assert record_of(tmp_path / "outputs").dense_probes == record_of(finished).dense_probes


def test_the_table_shows_a_probe_instead_of_the_metric(finished):
    code, out, err = command("table", str(finished), "probe=mine", "format=markdown")
    assert code == 0, err
    record = record_of(finished)
    assert f"{100 * record.probes['mine']['accuracy']:.2f}" in out
    code, _, err = command("table", str(finished), "probe=yours")
    assert (code, "There: mine" in " ".join(err.split())) == (2, True)


def test_names_and_mappings_are_resolved():
    config = composed("task=mnli", "task.probes=[{name:hans,path:./there}]")
    (found,) = config.task.probes
    assert (found["path"], found["labels"]) == ("./there", ["entailment", "non-entailment"])
    assert found["label_of"]["contradiction"] == "non-entailment"
    assert composed("task=mnli", "task.probes=[hans]").task.probes[0]["path"] == "jhu-cogsci/hans"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task=mnli", "task.probes=[hnas]"], "task.probes=hnas: not known (did you mean 'hans'?)"),
        (["task=mnli", "task.probes=[./none.yaml]"], "task.probes: there is no file ./none.yaml"),
        (["task=mnli", "task.probes=[{path:x}]"], "has no name"),
        (["task=mnli", "task.probes=[{name:hans,labels:no}]"], "task.probes=hans:"),
        (["task=mnli", "task.probes=[hans,hans]"], "two have the same name"),
        (["task=squad", "task.probes=[hans]"], "task.probes: read by text_classification only"),
        (["task=sst2", "task.probes=[hans]"], "hans has 2 text columns; the task has 1"),
        (
            ["task=qqp", "task.probes=[hans]"],
            "the task's label not_duplicate counts as not_duplicate, which is none of",
        ),
    ],
)
def test_what_is_wrong_with_a_probe_is_named(words, said):
    assert said in refused("model=demo", *words)


def test_the_data_of_a_probe_are_read_before_any_training(tmp_path, probe):
    words = f"task.probes=[{{name:mine,path:{tmp_path},text:[text],labels:[praising,blaming]}}]"
    code, _, err = call(f"outputs={tmp_path / 'outputs'}", words, method="struct")
    assert (code, "Traceback" in err) == (2, False)
    assert "task.probes: task.path=" in " ".join(err.split())
    assert not list((tmp_path / "outputs").glob("dense/*/model"))


def test_a_run_is_shown_with_its_probes(finished):
    code, out, err = command("show", str(folders(finished)["struct"]))
    assert code == 0, err
    record = record_of(finished)
    lines = {tuple(part.strip() for part in line.split("│")[1:4]) for line in out.splitlines() if "mine" in line}
    assert ("mine", "accuracy", f"{100 * record.probes['mine']['accuracy']:.2f}") in lines
    assert ("mine", "kind k1", f"{100 * record.probes['mine']['kind k1']:.2f}") in lines
    assert not any("chance" in part for line in lines for part in line)
