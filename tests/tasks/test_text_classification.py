"""Texts with labels: what is wrong with the labels is named; features, predictions and metrics by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset

from prune.config.schema import ClassWeights, TaskConfig
from prune.errors import UserError
from prune.models import loading
from prune.tasks.base import Predictions
from prune.tasks.text_classification import TextClassification
from tests.tasks.files import refused, task_over, write

GOOD = [{"text": f"the soup was {word}", "label": i % 2} for i, word in enumerate(["bad", "good", "cold", "warm"])]
CONFIG = TaskConfig(name="reviews", text=["text"], labels=["bad", "good"])


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer("pkg://demo/model")


@pytest.fixture
def folder(tmp_path):
    """Writes both splits; returns the task over them."""

    def make(train=GOOD, validation=GOOD, **values):
        return task_over(tmp_path, TextClassification, CONFIG, train, validation, **values)

    return make


BAD = {
    "too high": ([*GOOD, {"text": "a", "label": 2}], "the label in row 4 is 2; allowed are bad, good, or 0 to 1"),
    "negative": ([{"text": "a", "label": -1}], "the label in row 0 is -1"),
    "null": ([*GOOD, {"text": "a", "label": None}], "with nothing in the column 'label' (the first is row 4)"),
    "name": ([{"text": "a", "label": "godo"}], "the label in row 0 is 'godo'; allowed are bad, good, or 0 to 1 (did"),
    "fraction": ([{"text": "a", "label": 0.5}], "the label in row 0 is 0.5"),
    "list": ([{"text": "a", "label": [1]}], "the column 'label' holds list<item: int64>; labels are texts, whole"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "_"))
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_wrong_with_the_labels_is_named(folder, case, split):
    rows, said = BAD[case]
    message = refused(folder(**{split: rows}))
    assert said in message
    assert split in message


def features(task, tokenizer, split="train"):
    return task.features(task.load()[split], tokenizer, training=split == "train")


def test_an_empty_text_is_a_text(folder, tokenizer):
    (row,) = features(folder(train=[{"text": "", "label": 0}]), tokenizer)
    assert row["length"] == len(row["input_ids"]) == 2


def test_features_of_one_text(folder, tokenizer):
    rows = features(folder(), tokenizer)
    assert set(rows.column_names) >= {"input_ids", "attention_mask", "labels", "length"}
    assert tokenizer.decode(rows[0]["input_ids"]) == "[CLS] the soup was bad [SEP]"
    assert list(rows["labels"]) == [0, 1, 0, 1]
    assert list(rows["length"]) == [6] * 4


def test_a_long_text_is_cut_and_counted(folder, tokenizer):
    long = {"text": "the soup was " * 10 + "bad", "label": 0}
    reviews = folder(train=[*GOOD, long], max_length=8)
    rows = features(reviews, tokenizer)
    assert list(rows["length"]) == [6, 6, 6, 6, 8]
    assert reviews.num_truncated(rows) == 1


def test_a_text_that_just_fits_is_not_counted_as_cut(folder, tokenizer):
    reviews = folder(max_length=8, train=[{"text": "the soup was bad but good", "label": 0}])
    rows = features(reviews, tokenizer)
    assert list(rows["length"]) == [8]
    assert reviews.num_truncated(rows) == 0


def test_a_batch_is_padded_to_its_longest(folder, tokenizer):
    reviews = folder(train=[*GOOD, {"text": "the soup was not bad", "label": 1}])
    rows = features(reviews, tokenizer).remove_columns("length")
    batch = reviews.collator(tokenizer)([rows[0], rows[4]])
    assert batch["input_ids"].shape == (2, 7)
    assert batch["attention_mask"].sum(1).tolist() == [6, 7]
    assert batch["labels"].tolist() == [0, 1]


def task(**values):
    return TextClassification(replace(CONFIG, **values), 0)


def logits(*predictions, classes=2):
    return {"logits": list(np.eye(classes)[list(predictions)])}


def labelled(*labels):
    return Dataset.from_dict({"label": labels})


def score(reviews, rows, *predictions):
    outputs = logits(*predictions, classes=len(reviews.config.labels))
    return reviews.score(reviews.predict(outputs, rows, rows), rows)


ROWS = labelled(0, 1, 1, 1, 0)


def test_predictions_are_names_of_labels_by_row():
    assert task().predict(logits(0, 1, 1), ROWS, labelled(0, 0, 0)).answers == {"0": "bad", "1": "good", "2": "good"}


def test_predictions_are_told_apart_by_their_ids():
    rows = Dataset.from_dict({"label": [0, 1], "key": ["x", "y"]})
    assert task(id="key").predict(logits(1, 0), rows, rows).answers == {"x": "good", "y": "bad"}


@pytest.mark.parametrize("label", ["great", 2, None, ["good"]], ids=str)
def test_a_prediction_that_is_no_label_is_refused(label):
    with pytest.raises(UserError) as error:
        task().measure(Predictions({"0": "good", "1": label}), labelled(1, 1))
    assert str(error.value) == f"predictions: {label} is no label; allowed are bad, good"


def test_accuracy_by_hand():
    assert score(task(), ROWS, 0, 1, 1, 0, 1) == {"accuracy": 3 / 5}


def test_f1_by_hand():
    # two true positives, one false positive, one false negative
    assert score(task(metrics=["f1"]), ROWS, 0, 1, 1, 0, 1) == {"f1": pytest.approx(2 / 3)}


def test_f1_is_zero_where_nothing_is_found():
    assert score(task(metrics=["f1"]), ROWS, 0, 0, 0, 0, 0) == {"f1": 0.0}


def test_two_metrics_come_in_their_order():
    scores = score(task(metrics=["f1", "accuracy"]), ROWS, 0, 1, 1, 0, 1)
    assert list(scores.items()) == [("f1", pytest.approx(2 / 3)), ("accuracy", 3 / 5)]


def test_what_is_measured_is_what_a_record_holds():
    predictions = task().predict(logits(0, 1, 1, 0, 1), ROWS, ROWS)
    assert task().measure(predictions, ROWS) == task().score(predictions, ROWS)


def test_chance_is_the_most_frequent_answer():
    assert task().chance(ROWS) == 3 / 5
    assert task().chance(labelled(0, 0, 0, 1)) == 3 / 4


def test_chance_of_f1_by_hand():
    # always 1: precision 3/5, recall 1
    assert task(metrics=["f1"]).chance(ROWS) == pytest.approx(6 / 8)


def test_the_best_constant_answer_of_f1_is_not_the_most_frequent_one():
    # always 1: precision 1/4, recall 1; always 0: f1 is 0
    assert task(metrics=["f1"]).chance(labelled(0, 0, 0, 1)) == pytest.approx(2 / 5)


def test_the_model_learns_the_names_of_the_labels():
    assert task().model_settings() == {
        "num_labels": 2,
        "id2label": {0: "bad", 1: "good"},
        "label2id": {"bad": 0, "good": 1},
    }


PAIRS = [{"premise": "the soup was bad", "hypothesis": "the cook was good", "label": i} for i in (0, 1, 2)]


@pytest.fixture
def mnli(tmp_path):
    """A task of two texts and three labels, as MNLI: two evaluation splits."""
    for split in ("train", "validation_matched", "validation_mismatched"):
        write(tmp_path / f"{split}.jsonl", PAIRS)
    return TextClassification(
        TaskConfig(
            name="mnli",
            path=str(tmp_path),
            text=["premise", "hypothesis"],
            labels=["yes", "maybe", "no"],
            eval_splits=["validation_matched", "validation_mismatched"],
            eval_examples=2,
        ),
        seed=0,
    )


def test_two_evaluation_splits_are_loaded_and_cut(mnli):
    sizes = {split: len(rows) for split, rows in mnli.load().items()}
    assert sizes == {"train": 3, "validation_matched": 2, "validation_mismatched": 2}


def test_two_texts_are_encoded_as_a_pair(mnli, tokenizer):
    rows = features(mnli, tokenizer)
    assert tokenizer.decode(rows[0]["input_ids"]) == "[CLS] the soup was bad [SEP] the cook was good [SEP]"
    assert rows[0]["token_type_ids"] == [0] * 6 + [1] * 5
    assert rows[0]["length"] == 11


def test_three_labels_are_scored_by_hand(mnli):
    assert score(mnli, labelled(0, 1, 2, 2), 0, 2, 2, 2) == {"accuracy": 3 / 4}
    assert mnli.chance(labelled(0, 1, 2, 2)) == 1 / 2


def test_a_null_in_the_second_text_is_named(mnli, tmp_path):
    write(tmp_path / "validation_mismatched.jsonl", [*PAIRS, {"premise": "a", "hypothesis": None, "label": 0}])
    assert (
        "split 'validation_mismatched': 1 of 4 rows with nothing in the column 'hypothesis' (the first is row 3)"
        in refused(mnli)
    )


def test_metrics_of_three_labels_by_hand(mnli):
    every = ["macro_f1", "micro_f1", "f1_of_each", "balanced_accuracy", "matthews"]
    task = TextClassification(replace(mnli.config, metrics=every), 0)
    f1 = {"f1_yes": 1.0, "f1_maybe": 2 / 3, "f1_no": 2 / 3}
    assert score(task, labelled(0, 1, 2, 2), 0, 1, 2, 1) == {
        "macro_f1": pytest.approx((1 + 2 / 3 + 2 / 3) / 3),
        "micro_f1": 3 / 4,
        **{name: pytest.approx(value) for name, value in f1.items()},
        "balanced_accuracy": pytest.approx((1 + 1 + 1 / 2) / 3),
        "matthews": pytest.approx((3 * 4 - 5) / ((16 - 6) ** 0.5 * (16 - 6) ** 0.5)),
    }


@pytest.mark.parametrize(
    ("metric", "chance"), [("matthews", 0.0), ("balanced_accuracy", 1 / 3), ("roc_auc", 0.5), ("macro_f1", 2 / 9)]
)
def test_chance_of_metrics_that_rate_every_label_alike(mnli, metric, chance):
    task = TextClassification(replace(mnli.config, metrics=[metric]), 0)
    assert task.chance(labelled(0, 1, 2, 2)) == pytest.approx(chance)


def test_roc_auc_ranks_by_probability(folder):
    reviews = task(metrics=["roc_auc"])
    outputs = {"logits": [np.asarray([0.0, logit]) for logit in (-2.0, 1.0, 3.0, -1.0)]}
    rows = labelled(0, 0, 1, 1)
    assert reviews.score(reviews.predict(outputs, rows, rows), rows) == {"roc_auc": 3 / 4}
    said = refused(folder(metrics=["roc_auc"], validation=GOOD[:1]))
    assert "roc_auc needs examples of every label, and the split 'validation' has none of good" in said


def test_without_class_weights_the_loss_is_the_models(folder):
    reviews = folder()
    reviews.load()
    assert reviews.loss is None


def test_balanced_weights_are_those_of_the_examples_that_are_trained_on(folder):
    reviews = folder(train=[*GOOD, *[{"text": "a", "label": 1}] * 4], class_weights=ClassWeights.balanced)
    reviews.load()
    batch = {"labels": torch.tensor([0, 1])}
    assert reviews.loss({"logits": torch.zeros(2, 2)}, batch).item() == pytest.approx(
        math.log(2) * (8 / (2 * 2) + 8 / (2 * 6)) / 2
    )
