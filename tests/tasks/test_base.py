"""What every task reads: folders, formats, columns, ids and subsets; what is wrong with them is named."""

from dataclasses import replace

import pytest
from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.tasks.base import subset
from prune.tasks.text_classification import TextClassification
from tests.tasks.files import refused, write

GOOD = [{"text": f"the soup was {word}", "label": i % 2} for i, word in enumerate(["bad", "good", "cold", "warm"])]
CONFIG = TaskConfig(name="reviews", text=["text"], labels=["bad", "good"])


@pytest.fixture
def folder(tmp_path):
    """Writes splits, one file each; returns the task over them."""

    def make(train=GOOD, validation=GOOD, suffix=".jsonl", seed=0, **values):
        for split, rows in (("train", train), ("validation", validation)):
            if rows is not None:
                write(tmp_path / f"{split}{suffix}", rows)
        return TextClassification(replace(CONFIG, path=str(tmp_path), **values), seed)

    return make


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


@pytest.mark.parametrize("values", [{"train_examples": 5}, {"eval_examples": 5}])
def test_a_subset_larger_than_its_split_is_refused(folder, values):
    said = refused(folder(**values))
    assert "a subset of 5 examples was asked for" in said
    assert "has 4" in said


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_every_format_gives_the_same_rows(folder, suffix):
    assert list(folder(suffix=suffix).load()["train"]) == GOOD


def test_parquet_is_preferred_where_a_split_is_there_twice(folder):
    folder(suffix=".jsonl", train=GOOD[:2])
    assert len(folder(suffix=".parquet").load()["train"]) == 4


def test_a_split_alone_needs_no_other(folder):
    assert set(folder(train=None).load(["validation"])) == {"validation"}


def test_without_a_column_of_ids_rows_are_numbered(folder):
    reviews = folder()
    assert reviews.ids(reviews.load()["train"]) == ["0", "1", "2", "3"]


def test_ids_are_text_whatever_their_column_holds(folder):
    reviews = folder(train=[row | {"key": 10 + i} for i, row in enumerate(GOOD)], validation=None, id="key")
    assert reviews.ids(reviews.load(["train"])["train"]) == ["10", "11", "12", "13"]


def test_a_missing_column_of_ids_is_named(folder):
    said = refused(folder(id="key"))
    assert "there is no column 'key'" in said
    assert "task.id=" in said


def test_repeated_ids_are_counted(folder):
    said = refused(folder(train=[row | {"key": min(i, 1)} for i, row in enumerate(GOOD)], id="key"))
    assert "split 'train': 2 rows with the id of an earlier row in the column 'key'" in said


@pytest.fixture
def hundred():
    return Dataset.from_dict({"text": [str(i) for i in range(100)]})


def test_a_subset_is_seeded_in_order_and_without_repetition(hundred):
    chosen = [int(text) for text in subset(hundred, "train", 20, 0)["text"]]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 20
    assert list(subset(hundred, "train", 20, 0)["text"]) == [str(i) for i in chosen]
    assert list(subset(hundred, "train", 20, 1)["text"]) != [str(i) for i in chosen]


def test_what_is_held_out_is_not_trained_on(folder):
    task = folder(train=[{"text": str(i), "label": i % 2} for i in range(20)], train_examples=8, eval_from_train=6)
    data = task.load()
    assert list(data) == ["train", "validation", "train_held_out"]
    trained, held_out = (set(data[split]["text"]) for split in ("train", "train_held_out"))
    assert (len(trained), len(held_out)) == (8, 6)
    assert not trained & held_out


def test_without_a_subset_the_rest_is_trained_on(folder):
    data = folder(train=[{"text": str(i), "label": i % 2} for i in range(20)], eval_from_train=6).load()
    assert {*data["train"]["text"], *data["train_held_out"]["text"]} == set(map(str, range(20)))
    assert len(data["train"]) == 14


def test_holding_out_more_than_there_is_says_what_is_left(folder):
    said = refused(folder(train_examples=2, eval_from_train=3))
    assert "task.eval_from_train=3: 2 of the 4 training examples are trained on, which leaves 2" in said


def test_no_subset_is_everything(hundred):
    assert subset(hundred, "train", None, 0) is hundred
    assert list(subset(hundred, "train", 100, 0)["text"]) == list(hundred["text"])
