"""Exact search, and its metrics: by hand, against scikit-learn, and what a random order has."""

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from prune.tasks.metrics import retrieval
from prune.tasks.metrics.retrieval import METRICS, nearest, of_random_order

RANKED = [str(number) for number in (7, 3, 9, 1, 0, 4, 2, 8, 6, 5)]


@pytest.mark.parametrize(
    ("relevant", "values"),
    [
        ({"7"}, [1.0, 1.0, 1.0, 1.0]),
        ({"9"}, [0.0, 1.0, 1 / 3, 1 / math.log2(4)]),
        ({"elsewhere"}, [0.0, 0.0, 0.0, 0.0]),
        ({"3", "elsewhere"}, [0.0, 0.5, 0.5, (1 / math.log2(3)) / (1 + 1 / math.log2(3))]),
    ],
    ids=["the first", "the third", "none", "one of two"],
)
def test_metrics_by_hand(relevant, values):
    names = ["recall@1", "recall@10", "mrr@10", "ndcg@10"]
    assert [METRICS[name](RANKED, relevant) for name in names] == pytest.approx(values)


def test_ndcg_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    for _ in range(20):
        relevant = generator.random(10) < 0.3
        if relevant.any():
            given = {str(number) for number in np.flatnonzero(relevant)}
            scores = [-RANKED.index(str(number)) for number in range(10)]
            assert METRICS["ndcg@10"](RANKED, given) == pytest.approx(ndcg_score([relevant], [scores], k=10))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("relevant", [1, 2])
def test_a_random_order_has_the_mean_of_all_orders(metric, relevant):
    orders = list(itertools.permutations("abcd"))
    values = [METRICS[metric](list(order), set("abcd"[:relevant])) for order in orders]
    assert of_random_order(metric, relevant, 4) == pytest.approx(np.mean(values))


@pytest.mark.parametrize("documents", [3, 10, 25])
def test_blocks_find_what_all_similarities_at_once_have(monkeypatch, documents):
    monkeypatch.setattr(retrieval, "_QUERIES", 4)
    monkeypatch.setattr(retrieval, "_DOCUMENTS", 7)
    generator = np.random.default_rng(documents)
    queries, found = generator.normal(size=(9, 5)).astype(np.float32), generator.normal(size=(documents, 5))
    given = found.astype(np.float32)
    expected = np.argsort(-(queries @ given.T), axis=1, kind="stable")[:, :10]
    assert np.array_equal(nearest(queries, given), expected)


def test_of_equal_documents_the_first_is_found_first(monkeypatch):
    monkeypatch.setattr(retrieval, "_DOCUMENTS", 6)
    same = np.ones((20, 3), dtype=np.float32)
    assert nearest(same[:2], same).tolist() == [[*range(10)]] * 2
