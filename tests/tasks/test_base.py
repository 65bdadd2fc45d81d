"""What every task reads: folders, formats, columns, ids and subsets; what is wrong with them is named."""

import socket
import subprocess
import sys
from dataclasses import replace

import datasets
import pytest
from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.runtime import library_output
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


def test_a_few_rows_without_text_are_left_out_and_told(folder):
    reviews = folder(train=[{"text": None if i in (7, 8) else str(i), "label": i % 2} for i in range(200)])
    assert list(reviews.load()["train"]["text"]) == [str(i) for i in range(200) if i not in (7, 8)]
    said = "split 'train': 2 of 200 rows with nothing in the column 'text' (the first is row 7)"
    assert reviews.remarks == [f"{said} left out"]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_too_many_rows_without_text_are_refused(folder, split):
    said = refused(folder(**{split: [*GOOD, {"text": None, "label": 0}]}))
    counted = f"split '{split}': 1 of 5 rows with nothing in the column 'text' (the first is row 4)"
    assert said == f"task reviews: {counted}; at most 1% may be left out"


@pytest.mark.parametrize("word", ["NA", "None", "null", "nan"])
def test_of_the_cells_of_csv_only_empty_ones_are_null(folder, word):
    rows = [{"text": word, "label": 0}, {"text": "good", "label": 1}]
    assert list(folder(suffix=".csv", train=rows).load()["train"]) == rows


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_of_a_local_folder_the_network_is_not_told(folder, suffix, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: pytest.fail(f"asked for {address}"))
    monkeypatch.setattr(datasets.load, "increase_load_count", lambda name: pytest.fail(f"counted {name}"))
    assert len(folder(suffix=suffix).load()["train"]) == 4


LATIN = b"text,label\ngood,1\ncaf\xe9,0\n"


def test_a_line_in_another_encoding_is_named_once_with_what_to_do(folder, tmp_path, capfd):
    library_output.of_datasets()
    reviews = folder(suffix=".csv")
    (tmp_path / "train.csv").write_bytes(LATIN)
    said = refused(reviews)
    assert said.startswith(f"{tmp_path / 'train.csv'}, line 3: it is no text in utf-8.")
    assert "task.encoding=latin-1" in said
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_file_is_read_in_its_encoding(folder, tmp_path, suffix):
    reviews = folder(suffix=suffix, validation=None, encoding="latin-1")
    rows = LATIN if suffix == ".csv" else b'{"text": "good", "label": 1}\n{"text": "caf\xe9", "label": 0}\n'
    (tmp_path / f"train{suffix}").write_bytes(rows)
    assert list(reviews.load(["train"])["train"]["text"]) == ["good", "café"]


def test_a_file_that_has_changed_is_read_again(folder):
    reviews = folder()
    assert reviews.load()["train"] is not None
    assert [len(folder(train=GOOD[:size]).load()["train"]) for size in (2, 3, 4)] == [2, 3, 4]


def test_an_encoding_that_is_none_is_refused(folder):
    assert refused(folder(suffix=".csv", encoding="klingon")).startswith("task.encoding=klingon: not known")


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


def test_a_subset_of_all_is_all_in_order(hundred):
    assert list(subset(hundred, "train", 100, 0)["text"]) == list(hundred["text"])


def test_a_mistake_in_the_data_is_told_before_torch_is_loaded(tmp_path):
    for split in ("train", "validation"):
        write(tmp_path / f"{split}.csv", GOOD)
    words = ["task=text_classification", f"task.path={tmp_path}", "task.label=grade", "model=demo", "method=struct"]
    words.append(f"outputs={tmp_path}/outputs")
    code = f"""
import sys
from prune.cli.main import main
try:
    main({words!r})
except SystemExit as end:
    print(end.code, "torch" in sys.modules, "transformers" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stdout == "2 False False\n", found.stderr
    assert "there is no column 'grade'" in found.stderr
