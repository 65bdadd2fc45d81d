"""Runs on data as users have them: labels by name, seldom ones among them, and numbers to predict."""

import json

import pytest

from prune.files.paths import PACKAGE
from prune.results.layout import RunFolder
from prune.results.record import Record
from tests.runs.tiny import TINY, call, folders
from tests.tasks.files import write

ROWS = [json.loads(line) for line in (PACKAGE / "demo/data/validation.jsonl").read_text().splitlines()[:192]]


def run_on(tmp_path, rows, *words):
    """The record and the folder of a tiny run of struct on `rows`, a third of which it is evaluated on."""
    write(tmp_path / "data" / "train.jsonl", rows[64:])
    write(tmp_path / "data" / "validation.jsonl", rows[:64])
    words = (f"task.path={tmp_path}/data", f"outputs={tmp_path}/outputs", *TINY, *words)
    code, _, err = call(method="struct", run=words)
    assert code == 0, err
    folder = RunFolder(folders(tmp_path / "outputs")["struct"])
    return Record.read(folder.record), folder, err


def history_of(folder):
    (file,) = (folder.outputs / "pruned").glob("*/history.json")
    return [step for step in json.loads(file.read_text()) if "loss" in step]


def test_seldom_labels_by_name(tmp_path):
    rows = [row | {"label": ["rare", "usual"][row["label"] or number % 5 > 0]} for number, row in enumerate(ROWS)]
    metrics = "task.metrics=[macro_f1,f1_of_each,roc_auc]"
    record, folder, err = run_on(tmp_path, rows, "task=text_classification", "task.class_weights=balanced", metrics)
    assert "labels: rare, usual" in err
    assert list(record.scores["validation"]) == ["macro_f1", "f1_rare", "f1_usual", "roc_auc"]
    said = json.loads((folder.predictions("validation").path / "probabilities.json").read_text())
    assert all(sum(each) == pytest.approx(1.0) for each in said.values())
    assert len(said) == 64
    assert json.loads((folder.model / "config.json").read_text())["id2label"] == {"0": "rare", "1": "usual"}


def test_numbers(tmp_path):
    rows = [row | {"label": row["text"].count("very") + row["label"] / 2} for row in ROWS]
    record, folder, _ = run_on(tmp_path, rows, "task=text_regression")
    assert list(record.scores["validation"]) == ["pearson", "spearman"]
    assert record.chance == 0.0
    answers = json.loads((folder.predictions("validation").path / "predictions.json").read_text())
    assert all(isinstance(answer, float) for answer in answers.values())
    assert max(step["teacher_loss"] for step in history_of(folder)) > 0
