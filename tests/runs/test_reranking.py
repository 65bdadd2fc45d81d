"""Runs on reranking, by words of the command alone: the demo's model, and candidates of the demo's texts."""

import json
import math

import pytest
import torch
from sentence_transformers import CrossEncoder

from prune.results.record import Record
from tests.runs.searching import run_reranking, write_candidates


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_candidates(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The folder of a run."""
    return run_reranking(data, tmp_path_factory.mktemp("reranked"), "report=true")


def test_a_run_leaves_a_record(finished):
    record = Record.read(finished.record)
    assert list(record.scores["validation"]) == ["ndcg@10", "mrr@10"]
    assert 0.5 < record.chance < 1
    assert record.linear_params < record.dense_linear_params


def test_cross_encoder_gives_the_scores_that_were_evaluated(finished, data):
    rows = [json.loads(line) for line in (data / "validation.jsonl").read_text().splitlines()]
    loaded = CrossEncoder(str(finished.model), trust_remote_code=True, device="cpu")
    found = loaded.predict([(row["query"], row["document"]) for row in rows], convert_to_tensor=True)
    said = json.loads((finished.predictions("validation").path / "predictions.json").read_text())
    assert torch.allclose(found, torch.tensor(list(said.values())), atol=1e-5)


def test_the_card_tells_cross_encoder(finished):
    card = (finished.model / "README.md").read_text()
    assert "pipeline_tag: text-ranking" in card
    assert 'CrossEncoder("<this folder or repository>", trust_remote_code=True)' in card


def test_lists_of_candidates_are_learned(finished, data, tmp_path):
    """In a quarter of the steps, of four texts for one."""
    record = Record.read(
        run_reranking(data, tmp_path, "task.reranking.loss=listwise", "task.reranking.candidates=4").record
    )
    (file,) = (tmp_path / "dense").glob("*/history.json")
    losses = [step["labels_loss"] for step in json.loads(file.read_text()) if "labels_loss" in step]
    assert losses[0] == pytest.approx(math.log(4), abs=0.1)  # all candidates are alike to random weights
    lists, pairs = record.training["dense"], Record.read(finished.record).training["dense"]
    assert 4 * lists["steps"] == pairs["steps"]
    assert lists["flops"] == pytest.approx(pairs["flops"], rel=0.2)
