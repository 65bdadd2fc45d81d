"""Summaries of texts: what is wrong with the data is named; features, batches, generation and baseline by hand."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from omegaconf import OmegaConf

from prune.config.schema import SummariesConfig, TaskConfig
from prune.files.paths import shipped
from prune.models import loading
from prune.tasks.base import Predictions
from prune.tasks.summarization import Summarization
from tests.tasks.files import refused, write

METRICS = ["rouge2", "rouge1", "rougeL", "rougeLsum"]
CONFIG = TaskConfig(name="menu", kind="summarization", text=["text"], label="summary", metrics=METRICS, max_length=16)
GOOD = [
    {"text": "the soup was cold but the tea was warm", "summary": "the soup was cold"},
    {"text": "the bread was stale", "summary": "stale bread"},
]


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer("pkg://demo/model")


@pytest.fixture
def folder(tmp_path):
    """Writes both splits; returns the task over them."""

    def make(train=GOOD, validation=GOOD, **values):
        for split, rows in (("train", train), ("validation", validation)):
            write(tmp_path / f"{split}.jsonl", rows)
        return Summarization(replace(CONFIG, path=str(tmp_path), **values), 0)

    return make


BAD = {
    "no text": ([{"summary": "tea"}], "there is no column 'text'; the columns are summary"),
    "no summary": ([{"text": "tea"}], "there is no column 'summary'; the columns are text"),
    "numbers for text": ([{"text": 3, "summary": "tea"}], "the column 'text' holds int64, not text"),
    "numbers for summaries": ([{"text": "tea", "summary": 3}], "the column 'summary' holds int64, not text"),
    "lists for summaries": ([{"text": "tea", "summary": ["tea"]}], "the column 'summary' holds list"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "_"))
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_wrong_with_the_data_is_named(folder, case, split):
    rows, said = BAD[case]
    assert refused(folder(**{split: rows})).startswith(f"task menu, split '{split}': {said}")


EMPTY = [GOOD[0] | {"text": ""}, GOOD[0] | {"summary": " \n"}, {"text": "\t", "summary": None}]


@pytest.mark.parametrize("row", EMPTY, ids=["text", "summary", "both"])
def test_an_empty_text_or_summary_is_left_out_and_told(folder, row):
    rows = [{**GOOD[0], "name": str(i)} for i in range(200)]
    rows[7] |= row
    menu = folder(train=rows, id="name")
    left = menu.load(["train"])["train"]
    said = "split 'train': 1 of 200 rows with an empty text or summary (the first is row 7) left out"
    assert menu.remarks == [said]
    assert menu.ids(left) == [str(i) for i in range(200) if i != 7]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_too_many_empty_texts_are_refused(folder, split):
    said = refused(folder(**{split: [GOOD[0]] * 150 + EMPTY + [GOOD[0]] * 47}))
    counted = f"split '{split}': 3 of 200 rows with an empty text or summary (the first is row 150)"
    assert said == f"task menu: {counted}; at most 1% may be left out"


def features(task, tokenizer, rows=GOOD):
    return task.features(Dataset.from_list(rows), tokenizer, training=True)


def read(tokenizer, ids):
    return [tokenizer.decode(one, skip_special_tokens=True) for one in ids]


def test_features_are_texts_with_their_prefix_and_summaries_without(tokenizer):
    task = Summarization(replace(CONFIG, summaries=SummariesConfig(prefix="very kind ")), 0)
    found = features(task, tokenizer)
    assert read(tokenizer, found["input_ids"]) == ["very kind " + row["text"] for row in GOOD]
    assert read(tokenizer, found["labels"]) == [row["summary"] for row in GOOD]
    # with the two special tokens
    assert list(found["length"]) == [13, 8]
    assert task.num_truncated(found) == 0


@pytest.mark.parametrize(("prefix", "cut"), [("", 1), ("very kind and warm ", 2)])
def test_a_text_is_cut_with_its_prefix_and_counted(tokenizer, prefix, cut):
    task = Summarization(replace(CONFIG, max_length=8, summaries=SummariesConfig(prefix=prefix)), 0)
    found = features(task, tokenizer)
    assert read(tokenizer, found["input_ids"])[0] == " ".join((prefix + GOOD[0]["text"]).split()[:6])
    assert found["length"][0] == 8
    assert task.num_truncated(found) == cut


def test_a_summary_is_cut_at_its_own_length(tokenizer):
    task = Summarization(replace(CONFIG, summaries=SummariesConfig(max_label_length=5)), 0)
    found = features(task, tokenizer)
    assert read(tokenizer, found["labels"]) == ["the soup was", "stale bread"]
    assert [len(ids) for ids in found["labels"]] == [5, 4]
    assert task.num_truncated(found) == 0


def test_a_batch_is_padded_and_its_padding_is_no_label(tokenizer):
    task = Summarization(CONFIG, 0)
    rows = features(task, tokenizer).select_columns(["input_ids", "attention_mask", "labels"])
    batch = task.collator(tokenizer)([rows[0], rows[1]])
    assert batch["input_ids"].tolist() == [rows[0]["input_ids"], rows[1]["input_ids"] + [tokenizer.pad_token_id] * 5]
    assert batch["attention_mask"].sum(1).tolist() == [11, 6]
    assert batch["labels"].tolist() == [rows[0]["labels"], rows[1]["labels"] + [-100] * 2]


class Echo(torch.nn.Module):
    """A model that writes what it reads, and keeps what it was called with."""

    device = torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.calls = []

    def generate(self, input_ids, attention_mask, **settings):
        self.calls.append(
            SimpleNamespace(lengths=attention_mask.sum(1).tolist(), settings=settings, mode=self.training)
        )
        return input_ids


TEXTS = ["tea", "the soup was cold", "warm bread", "the tea was very warm", "the bed was", "lamp"]
LONGEST_FIRST = [7, 6, 5, 4, 3, 3]


@pytest.mark.parametrize("size", [1, 2, 4, 6, 100])
def test_each_row_gets_its_text_although_the_longest_are_written_first(tokenizer, size):
    task, model = Summarization(replace(CONFIG, id="name"), 0), Echo()
    rows = Dataset.from_list(
        [{"text": text, "summary": "tea", "name": name} for text, name in zip(TEXTS, "uvwxyz", strict=True)]
    )
    found = task.predictions(model, task.features(rows, tokenizer, training=False), rows, tokenizer, size)
    assert found == Predictions(dict(zip("uvwxyz", TEXTS, strict=True)))
    assert list(found.answers) == list("uvwxyz")
    assert [call.lengths for call in model.calls] == [LONGEST_FIRST[i : i + size] for i in range(0, 6, size)]


def test_texts_are_written_in_evaluation_mode_with_the_settings_of_the_task(tokenizer):
    task, model = Summarization(replace(CONFIG, summaries=SummariesConfig(num_beams=3, min_new_tokens=1)), 0), Echo()
    rows = Dataset.from_list(GOOD)
    task.predictions(model.train(), task.features(rows, tokenizer, training=False), rows, tokenizer, 2)
    (call,) = model.calls
    assert not call.mode
    assert call.settings == task.generation()
    assert (call.settings["num_beams"], call.settings["min_new_tokens"]) == (3, 1)


def test_news_are_summarized_as_published():
    file = shipped("configs") / "task" / "cnn_dailymail.yaml"
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(TaskConfig), OmegaConf.load(file)))
    assert Summarization(config, 0).generation() == {
        "num_beams": 6,
        "max_new_tokens": 142,
        "min_new_tokens": 56,
        "length_penalty": 2.0,
        "no_repeat_ngram_size": 3,
        "early_stopping": True,
        "do_sample": False,
    }


def test_a_score_is_the_mean_over_the_rows():
    task = Summarization(CONFIG, 0)
    scores = task.score(Predictions({"1": "stale bread", "0": "the tea"}), Dataset.from_list(GOOD))
    assert scores == pytest.approx({"rouge1": (2 / 6 + 1) / 2, "rouge2": 1 / 2, "rougeL": 2 / 3, "rougeLsum": 2 / 3})


@pytest.mark.parametrize(("metric", "expected"), [("rouge1", 8 / 16), ("rouge2", 6 / 14), ("rougeLsum", 8 / 16)])
def test_chance_is_the_main_metric_of_the_first_three_sentences(metric, expected):
    task = Summarization(replace(CONFIG, metrics=[metric]), 0)
    text = "the tea was warm. the soup was cold. the bed was poor. the view was good."
    assert task.chance(Dataset.from_list([{"text": text, "summary": "the bed was poor"}])) == pytest.approx(expected)
