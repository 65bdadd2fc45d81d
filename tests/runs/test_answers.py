"""A whole run on questions about texts, by words of the command alone."""

import contextlib
import io
import json
import os
import random
from pathlib import Path

import pytest
import torch

import prune
from prune.cli import main
from prune.demo.generate import ADJECTIVES, ADVERBS, THINGS
from prune.results.record import Record
from tests.runs.tiny import TINY, call, folders
from tests.tasks.files import write

TASK = (
    "task=question_answering", "task.name=menu", "task.path=./menu", "task.text=[q,c]", "task.label=a", "task.id=key",
    "task.max_length=14", "task.answers.stride=4", "task.answers.question_length=2", "task.metrics=[f1]",
)  # fmt: skip
SIZES = {"train": 64, "validation": 24}


def menu(split, size):
    """Three things and how they are; the question is one of them, the answer how it is."""
    draw = random.Random(split)
    for number in range(size):
        things = draw.sample(list(THINGS), 3)
        said = [f"{draw.choice(list(ADVERBS))} {draw.choice(list(ADJECTIVES))}" for _ in things]
        text = " and ".join(f"the {thing} was {how}" for thing, how in zip(things, said, strict=True))
        asked = draw.randrange(3)
        answers = {"text": [said[asked]], "answer_start": [text.index(f"{things[asked]} was") + len(things[asked]) + 5]}
        yield {"key": f"{split}-{number}", "q": things[asked], "c": text, "a": answers}


def scored(*words):
    """What `prune score` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main.main(["score", *TASK, *words])
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run, in the folder that it was called in."""
    folder = tmp_path_factory.mktemp("answers")
    for split, size in SIZES.items():
        write(folder / "menu" / f"{split}.jsonl", menu(split, size))
    before = Path.cwd()
    os.chdir(folder)
    try:
        code, _, err = call(method="hybrid_filled", run=(*TASK, *TINY))
        assert code == 0, err
        yield folders(folder / "outputs")["hybrid_filled"]
    finally:
        os.chdir(before)


def test_a_run_on_questions_leaves_a_record(finished):
    record = Record.read(finished / "record.json")
    assert (record.task, record.metric, record.num_examples) == ("menu", "f1", SIZES)
    assert set(record.scores["validation"]) == set(record.dense_scores["validation"]) == {"f1", "exact_match"}
    assert 0 <= record.scores["validation"]["exact_match"] <= record.value <= 1
    assert 0 < record.linear_density_before_fill < record.linear_density < 1
    assert record.largest_logit_difference <= 1e-5


@pytest.mark.parametrize("which", ["dense", "pruned"])
def test_the_predictions_of_a_run_score_as_its_record_says(finished, which):
    record = Record.read(finished / "record.json")
    (dense,) = Path("outputs/dense").glob("*/predictions")
    file = (dense if which == "dense" else finished / "predictions") / "validation" / "predictions.json"
    answers = json.loads(file.read_text())
    texts = {row["key"]: row["c"] for row in menu("validation", SIZES["validation"])}
    assert answers.keys() == texts.keys()
    assert all(answer and answer in texts[key] for key, answer in answers.items())
    found = {name: value / 100 for name, value in scored(f"predictions={file}").items()}
    expected = record.dense_scores if which == "dense" else record.scores
    assert found == pytest.approx(expected["validation"])


def test_training_on_questions_learns_from_the_teachers_tokens(finished):
    (file,) = Path("outputs/pruned").glob("*/history.json")
    last = [line for line in json.loads(file.read_text()) if "loss" in line][-1]
    assert last["loss"] == pytest.approx(last["labels_loss"] + last["teacher_loss"] + last["penalty_loss"], rel=1e-5)
    assert last["teacher_loss"] > 0


def test_the_loaded_model_points_at_tokens(finished):
    model = prune.load(finished / "model")
    with torch.no_grad():
        outputs = model(torch.arange(10).unsqueeze(0))
    assert outputs.start_logits.shape == outputs.end_logits.shape == (1, 10)
    assert sum(parameter.numel() for parameter in model.parameters()) == Record.read(finished / "record.json").params


UNANSWERABLE = ("task.answers.unanswerable=true", "task.metrics=[f1,exact]")


def test_a_run_on_questions_some_of_which_have_no_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split, size in SIZES.items():
        rows = [
            row | {"a": {"text": [], "answer_start": []}} if i % 3 == 0 else row
            for i, row in enumerate(menu(split, size))
        ]
        write(tmp_path / "menu" / f"{split}.jsonl", rows)
    code, _, err = call(*UNANSWERABLE, method="struct", run=(*TASK, *TINY))
    assert code == 0, err
    run = folders("outputs")["struct"]
    record, files = Record.read(run / "record.json"), run / "predictions" / "validation"
    odds = f"null_odds={files / 'null_odds.json'}"
    withheld = scored(*UNANSWERABLE, f"predictions={files / 'predictions.json'}", odds)
    forced = scored(*UNANSWERABLE, f"predictions={files / 'non_null_predictions.json'}", odds)
    assert record.chance == pytest.approx(1 / 3)
    assert record.value == pytest.approx(withheld["f1"] / 100) == pytest.approx(forced["f1"] / 100)
    assert record.scores["validation"]["best_f1"] == pytest.approx(forced["best_f1"] / 100)
    assert record.scores["validation"]["best_f1_thresh"] == pytest.approx(forced["best_f1_thresh"])
