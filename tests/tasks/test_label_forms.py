"""Labels as users have them: names, booleans, numbers, some missing; and read off the training split."""

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from prune.tasks.text_classification import TextClassification
from tests.tasks.files import refused, task_over
from tests.tasks.test_text_classification import CONFIG, GOOD, labelled, logits


@pytest.fixture
def folder(tmp_path):
    """Writes both splits; returns the task over them."""

    def make(train=GOOD, validation=GOOD, suffix=".jsonl", **values):
        return task_over(tmp_path, TextClassification, CONFIG, train, validation, suffix, **values)

    return make


NAMED = [row | {"label": ["bad", "good"][row["label"]]} for row in GOOD]
BOOLEAN = [row | {"label": bool(row["label"])} for row in GOOD]
STARS = [row | {"label": 5 * row["label"]} for row in GOOD]


@pytest.mark.parametrize(
    ("rows", "labels", "names"),
    [
        (NAMED, ["bad", "good"], ["bad", "good"]),
        (NAMED, [], ["bad", "good"]),
        (NAMED, ["good", "bad"], ["good", "bad"]),
        (GOOD, [], ["0", "1"]),
        (BOOLEAN, ["bad", "good"], ["bad", "good"]),
        (BOOLEAN, [], ["false", "true"]),
        (STARS, [], ["0", "5"]),
    ],
    ids=["named", "named, read off", "turned", "numbers", "booleans", "booleans, read off", "stars"],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_labels_of_every_form_become_numbers(folder, rows, labels, names, suffix):
    reviews = folder(rows, rows, suffix, labels=labels)
    found = list(reviews.load()["validation"]["label"])
    assert found == ([1, 0, 1, 0] if names == ["good", "bad"] else [0, 1, 0, 1])
    assert reviews.model_settings()["id2label"] == dict(enumerate(names))
    assert reviews.findings == ([] if labels else [f"labels: {', '.join(names)}"])
    assert reviews.predict(logits(1), labelled(0), labelled(0)).answers == {"0": names[1]}


def test_the_names_of_a_data_set_of_the_hub_count(folder, monkeypatch):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    rows = Dataset.from_list(GOOD, features=features)
    monkeypatch.setattr("prune.tasks.base.read_split", lambda *_: rows)
    monkeypatch.setattr("prune.tasks.text_classification.read_split", lambda *_: rows)
    reviews = folder(labels=[])
    assert list(reviews.load()["train"]["label"]) == [0, 1, 0, 1]
    assert reviews.names == ["neg", "pos"]


def test_labels_are_read_off_where_an_evaluation_split_alone_is_asked_for(folder):
    reviews = folder(train=NAMED, validation=NAMED[1:2], labels=[])
    assert list(reviews.load(["validation"])["validation"]["label"]) == [1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row | {"label": "good"} for row in GOOD], "the column 'label' holds no two labels, only good"),
        ([{"text": str(i), "label": i / 8} for i in range(8)], "to be predicted, say task=text_regression"),
        ([{"text": str(i), "label": 1 + i % 2 / 2} for i in range(8)], "to be predicted, say task=text_regression"),
    ],
    ids=["one", "many", "fractions"],
)
def test_labels_that_cannot_be_read_off_are_refused(folder, rows, said):
    assert said in refused(folder(train=rows, labels=[]))


def test_a_label_that_training_does_not_have_is_refused(folder):
    said = refused(folder(train=NAMED, validation=[{"text": "a", "label": "fair"}], labels=[]))
    assert "split 'validation': the label in row 0 is 'fair'; allowed are bad, good" in said


def test_f1_of_labels_that_were_read_off_needs_two_of_them(folder):
    said = refused(folder(train=[*NAMED, *[{"text": "a", "label": "fair"}] * 4], labels=[], metrics=["f1"]))
    assert said == "task.metrics=['f1']: f1 is of the second of two labels, not of 3; say macro_f1"


def test_empty_labels_are_left_out_and_told(folder):
    reviews = folder(train=[{"text": str(i), "label": None if i == 7 else i % 2} for i in range(200)])
    assert len(reviews.load()["train"]) == 199
    said = "split 'train': 1 of 200 rows with nothing in the column 'label' (the first is row 7)"
    assert reviews.remarks == [f"{said} left out"]
