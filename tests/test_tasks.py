"""Tasks: what is wrong with data is named; features, subsets and metrics by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset

from prune import models
from prune.config import TaskConfig
from prune.errors import UserError
from prune.tasks.base import subset
from prune.tasks.text_classification import TextClassification

GOOD = [{"text": f"the soup was {word}", "label": i % 2} for i, word in enumerate(["bad", "good", "cold", "warm"])]
CONFIG = TaskConfig(name="reviews", text=["text"], labels=["bad", "good"])


@pytest.fixture(scope="module")
def tokenizer():
    return models.tokenizer("pkg://demo/model")


@pytest.fixture
def folder(tmp_path):
    """Writes splits, one file each; returns the task over them."""

    def make(train=GOOD, validation=GOOD, suffix=".jsonl", seed=0, **values):
        for split, rows in (("train", train), ("validation", validation)):
            if rows is not None:
                write(tmp_path / f"{split}{suffix}", rows)
        return TextClassification(replace(CONFIG, path=str(tmp_path), **values), seed)

    return make


def write(file, rows):
    if isinstance(rows, str):
        file.write_text(rows)
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif file.suffix == ".csv":
        Dataset.from_list(rows).to_pandas().to_csv(file, index=False)
    else:
        Dataset.from_list(rows).to_pandas().to_parquet(file)


def refused(task):
    with pytest.raises(UserError) as error:
        task.load()
    return str(error.value)


def test_a_missing_folder_is_named():
    said = refused(TextClassification(replace(CONFIG, path="/no/such/folder"), 0))
    assert said == "task.path=/no/such/folder: there is no such folder"


def test_a_missing_split_is_named_with_what_is_there(folder):
    said = refused(folder(validation=None))
    assert "no file for the split 'validation'" in said
    assert "validation.parquet or validation.jsonl" in said
    assert "the folder holds train.jsonl" in said


BAD = {
    "empty file": ("", "train.jsonl is empty"),
    "no JSON": ("{", "train.jsonl cannot be read"),
    "no text column": ([{"sentence": "a", "label": 0}], "there is no column 'text'; the columns are sentence, label"),
    "no label column": ([{"text": "a", "y": 0}], "there is no column 'label'; the columns are text, y"),
    "neither column": ([{"a": 1}], "there is no column 'text', 'label'"),
    "null text": ([*GOOD, {"text": None, "label": 0}], "the column 'text' is null in row 4"),
    "numbers for text": ([{"text": 3, "label": 0}], "the column 'text' holds int64, not text"),
    "lists for text": ([{"text": ["a"], "label": 0}], "the column 'text' holds list"),
    "all null": ([{"text": None, "label": 0}], "the column 'text' holds null, not text"),
    "label too high": ([*GOOD, {"text": "a", "label": 2}], "the label in row 4 is 2; allowed are 0 to 1 (bad, good)"),
    "negative label": ([{"text": "a", "label": -1}], "the label in row 0 is -1"),
    "null label": ([*GOOD, {"text": "a", "label": None}], "the label in row 4 is None"),
    "text for label": ([{"text": "a", "label": "good"}], "the column 'label' holds string, not integers from 0"),
    "fraction for label": ([{"text": "a", "label": 0.5}], "the column 'label' holds double, not integers from 0"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "_"))
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_wrong_with_the_data_is_named(folder, case, split):
    rows, said = BAD[case]
    message = refused(folder(**{split: rows}))
    assert said.replace("train.jsonl", f"{split}.jsonl") in message
    assert split in message


def test_a_file_without_rows_is_named(folder):
    said = refused(folder(train="text,label\n", suffix=".csv"))
    assert "train.csv" in said


def test_an_empty_text_is_a_text(folder, tokenizer):
    task = folder(train=[{"text": "", "label": 0}])
    (row,) = task.features(task.load()["train"], tokenizer)
    assert row["length"] == len(row["input_ids"]) == 2


@pytest.mark.parametrize("values", [{"train_examples": 5}, {"eval_examples": 5}])
def test_a_subset_larger_than_its_split_is_refused(folder, values):
    said = refused(folder(**values))
    assert "a subset of 5 examples was asked for" in said
    assert "has 4" in said


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_format_gives_the_same_rows(folder, suffix):
    assert list(folder(suffix=suffix).load()["train"]) == GOOD


def test_jsonl_gives_its_rows(folder):
    assert list(folder().load()["train"]) == GOOD


def test_parquet_is_preferred_where_a_split_is_there_twice(folder):
    folder(suffix=".jsonl", train=GOOD[:2])
    assert len(folder(suffix=".parquet").load()["train"]) == 4


@pytest.fixture
def hundred():
    return Dataset.from_dict({"text": [str(i) for i in range(100)]})


def test_a_subset_is_seeded_in_order_and_without_repetition(hundred):
    chosen = [int(text) for text in subset(hundred, "train", 20, 0)["text"]]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 20
    assert list(subset(hundred, "train", 20, 0)["text"]) == [str(i) for i in chosen]
    assert list(subset(hundred, "train", 20, 1)["text"]) != [str(i) for i in chosen]


def test_no_subset_is_everything(hundred):
    assert subset(hundred, "train", None, 0) is hundred
    assert list(subset(hundred, "train", 100, 0)["text"]) == list(hundred["text"])


def logits(*predictions, classes=2):
    return {"logits": np.eye(classes)[list(predictions)]}


def task(**values):
    return TextClassification(replace(CONFIG, **values), 0)


LABELS = Dataset.from_dict({"labels": [0, 1, 1, 1, 0]})


def test_accuracy_by_hand():
    assert task().score(logits(0, 1, 1, 0, 1), LABELS) == {"accuracy": 3 / 5}


def test_f1_by_hand():
    # two true positives, one false positive, one false negative
    assert task(metrics=["f1"]).score(logits(0, 1, 1, 0, 1), LABELS) == {"f1": pytest.approx(2 / 3)}


def test_f1_is_zero_where_nothing_is_found():
    assert task(metrics=["f1"]).score(logits(0, 0, 0, 0, 0), LABELS) == {"f1": 0.0}


def test_two_metrics_come_in_their_order():
    scores = task(metrics=["f1", "accuracy"]).score(logits(0, 1, 1, 0, 1), LABELS)
    assert list(scores.items()) == [("f1", pytest.approx(2 / 3)), ("accuracy", 3 / 5)]


def test_chance_is_the_most_frequent_answer():
    assert task().chance(LABELS) == 3 / 5
    assert task().chance(Dataset.from_dict({"labels": [0, 0, 0, 1]})) == 3 / 4


def test_chance_of_f1_by_hand():
    # always 1: precision 3/5, recall 1
    assert task(metrics=["f1"]).chance(LABELS) == pytest.approx(6 / 8)


def test_the_best_constant_answer_of_f1_is_not_the_most_frequent_one():
    # always 1: precision 1/4, recall 1; always 0: f1 is 0
    assert task(metrics=["f1"]).chance(Dataset.from_dict({"labels": [0, 0, 0, 1]})) == pytest.approx(2 / 5)


def test_features_of_one_text(folder, tokenizer):
    reviews = folder()
    rows = reviews.features(reviews.load()["train"], tokenizer)
    assert set(rows.column_names) >= {"input_ids", "attention_mask", "labels", "length"}
    assert tokenizer.decode(rows[0]["input_ids"]) == "[CLS] the soup was bad [SEP]"
    assert list(rows["labels"]) == [0, 1, 0, 1]
    assert list(rows["length"]) == [6] * 4


def test_a_long_text_is_cut_and_counted(folder, tokenizer):
    long = {"text": "the soup was " * 10 + "bad", "label": 0}
    reviews = folder(train=[*GOOD, long], max_length=8)
    rows = reviews.features(reviews.load()["train"], tokenizer)
    assert list(rows["length"]) == [6, 6, 6, 6, 8]
    assert reviews.num_truncated(rows) == 1


def test_a_text_that_just_fits_is_not_counted_as_cut(folder, tokenizer):
    reviews = folder(max_length=8, train=[{"text": "the soup was bad but good", "label": 0}])
    rows = reviews.features(reviews.load()["train"], tokenizer)
    assert list(rows["length"]) == [8]
    assert reviews.num_truncated(rows) == 0


def test_a_batch_is_padded_to_its_longest(folder, tokenizer):
    reviews = folder(train=[*GOOD, {"text": "the soup was not bad", "label": 1}])
    rows = reviews.features(reviews.load()["train"], tokenizer).remove_columns("length")
    batch = reviews.collator(tokenizer)([rows[0], rows[4]])
    assert batch["input_ids"].shape == (2, 7)
    assert batch["attention_mask"].sum(1).tolist() == [6, 7]
    assert batch["labels"].tolist() == [0, 1]


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
    rows = mnli.features(mnli.load()["train"], tokenizer)
    assert tokenizer.decode(rows[0]["input_ids"]) == "[CLS] the soup was bad [SEP] the cook was good [SEP]"
    assert rows[0]["token_type_ids"] == [0] * 6 + [1] * 5
    assert rows[0]["length"] == 11


def test_three_labels_are_scored_by_hand(mnli):
    rows = Dataset.from_dict({"labels": [0, 1, 2, 2]})
    assert mnli.score(logits(0, 2, 2, 2, classes=3), rows) == {"accuracy": 3 / 4}
    assert mnli.chance(rows) == 1 / 2


def test_a_null_in_the_second_text_is_named(mnli, tmp_path):
    write(tmp_path / "validation_mismatched.jsonl", [*PAIRS, {"premise": "a", "hypothesis": None, "label": 0}])
    assert "split 'validation_mismatched': the column 'hypothesis' is null in row 3" in refused(mnli)
