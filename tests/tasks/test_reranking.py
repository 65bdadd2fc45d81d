"""Reranking: metrics of each query's candidates by hand, losses, and what is wrong with data."""

import math
from collections import Counter

import pytest
import torch

from prune.config.schema import RerankingConfig, RerankingLoss, TaskConfig
from prune.errors import UserError
from prune.models import loading
from prune.tasks.base import Predictions
from prune.tasks.ranking.losses import binary_loss, listwise_loss
from prune.tasks.reranking import Reranking
from tests.tasks.files import write

ROWS = [
    {"query": "what is hot", "document": "the soup", "label": 1.0},
    {"query": "what is cold", "document": "the tea", "label": 0.0},
    {"query": "what is hot", "document": "the tea", "label": 0.0},
    {"query": "what is cold", "document": "the soup", "label": 0.0},
    {"query": "what is cold", "document": "the cake", "label": 2.0},
]
NAMES = ["ndcg@10", "mrr@10"]
LISTWISE = RerankingConfig(RerankingLoss.listwise, candidates=2)


def loaded(tmp_path, rows, split="validation", **values):
    """A task, and the rows of its split."""
    settings = {
        "kind": "reranking",
        "name": "order",
        "path": str(tmp_path),
        "text": ["query", "document"],
        "max_length": 32,
    }
    made = Reranking(TaskConfig(**settings | {"metrics": NAMES} | values), seed=0)
    write(tmp_path / f"{split}.jsonl", rows)
    return made, made.load([split])[split]


def test_metrics_are_means_over_queries(tmp_path):
    made, rows = loaded(tmp_path, ROWS)
    given = Predictions({"0": 0.9, "2": 0.1, "1": 5.0, "3": 1.0, "4": 3.0})  # the first is right, the second is second
    half = 1 / math.log2(3)
    assert made.measure(given, rows) == pytest.approx({"ndcg@10": (1 + half) / 2, "mrr@10": 0.75})
    assert made.scores_of_each(given, rows) == pytest.approx([1.0, half, 1.0, half, half])
    assert made.chance(rows) == pytest.approx(((1 + half) / 2 + (1 + half + 0.5) / 3) / 2)


def test_of_equal_scores_the_earlier_candidate_comes_first(tmp_path):
    made, rows = loaded(tmp_path, ROWS)
    assert made.measure(Predictions({str(n): 0.0 for n in range(5)}), rows)["mrr@10"] == pytest.approx((1 + 1 / 3) / 2)


def test_a_query_without_a_relevant_candidate_is_left_out_and_named(tmp_path):
    made, rows = loaded(tmp_path, [*ROWS, {"query": "who is slow", "document": "the cook", "label": 0.0}])
    assert len(rows) == 5
    assert made.remarks == ["split 'validation': a query without a relevant candidate left out, as 'who is slow'"]
    with pytest.raises(UserError, match=r"no candidate is relevant \(label > 0\)"):
        loaded(tmp_path, [ROWS[1], ROWS[1] | {"label": -1.0}])


def test_a_subset_is_one_of_queries_with_all_their_candidates(tmp_path):
    rows = [
        {"query": f"query {query}", "document": f"text {one}", "label": float(one == query % 3)}
        for one in range(3)
        for query in range(8)
    ]
    _, drawn = loaded(tmp_path, rows, eval_examples=3)
    assert sorted(Counter(drawn["query"]).values()) == [3, 3, 3]
    write(tmp_path / "validation.jsonl", rows[:1] + rows[9:10])
    made, _ = loaded(tmp_path, rows, "train")
    made.config.train_examples, made.config.eval_from_train = 5, 2
    data = made.load(["train"])
    trained, held_out = (Counter(data[split]["query"]) for split in ("train", "train_held_out"))
    assert (len(trained), len(held_out), {*trained.values(), *held_out.values()}) == (5, 2, {3})
    assert not trained.keys() & held_out.keys()


def test_lists_have_the_most_relevant_candidate_first_and_are_batched_one_after_the_other(tmp_path):
    tokenizer = loading.tokenizer("pkg://demo/model")
    made, rows = loaded(tmp_path, ROWS, "train", reranking=LISTWISE)
    features = made.features(rows, tokenizer, training=True)
    assert features["labels"][:] == [[1.0, 0.0], [2.0, 0.0]]
    batch = made.collator(tokenizer)(
        [{name: row[name] for name in ("input_ids", "attention_mask", "labels")} for row in features]
    )
    assert batch["labels"].tolist() == [1.0, 0.0, 2.0, 0.0]
    texts = tokenizer.batch_decode(batch["input_ids"], skip_special_tokens=True)
    assert [text.split()[-1] for text in texts[:3]] == [
        tokenizer.tokenize(word)[-1] for word in ("soup", "tea", "cake")
    ]
    assert len(made.features(rows, tokenizer, training=False)) == 5


def test_too_few_candidates_are_said(tmp_path):
    tokenizer = loading.tokenizer("pkg://demo/model")
    made, rows = loaded(tmp_path, ROWS, "train", reranking=RerankingConfig(RerankingLoss.listwise, candidates=3))
    assert len(made.features(rows, tokenizer, training=True)) == 1
    assert made.remarks == ["training: 1 of 2 queries have too few candidates, and are left out"]
    made, rows = loaded(tmp_path, ROWS, "train", reranking=RerankingConfig(RerankingLoss.listwise, candidates=4))
    with pytest.raises(UserError, match=r"task.reranking.candidates=4: no training query has so many"):
        made.features(rows, tokenizer, training=True)


def test_losses_by_hand():
    logits, labels = torch.tensor([[1.0], [0.0], [2.0], [2.0]]), torch.tensor([1.0, 0.0, 3.0, 1.0])
    first = -math.log(math.e / (math.e + 1))
    found = listwise_loss(2)({"logits": logits}, {"labels": labels})
    assert found.item() == pytest.approx((first + math.log(2)) / 2, rel=1e-6)
    pointwise = binary_loss({"logits": logits[:2]}, {"labels": labels[:2]})
    assert pointwise.item() == pytest.approx((first + math.log(2)) / 2, rel=1e-6)


def test_labels_that_are_no_shares_are_refused_where_they_are_taken_for_such(tmp_path):
    with pytest.raises(UserError, match="label 2 is not from 0 to 1, as task.reranking.loss=binary"):
        loaded(tmp_path, ROWS, "train")
