"""Retrieval: exact search among embeddings, and what the ten best documents are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

Embeddings = np.ndarray[Any, np.dtype[np.float32]]

BEST = 10
"""Documents that are kept for each query, the best first."""
_QUERIES, _DOCUMENTS = 1024, 2**16
"""Of a block of similarities."""


def nearest(queries: Embeddings, documents: Embeddings, number: int = BEST) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of each of `queries` (queries, width) the numbers of the `number` of `documents` (documents, width), or all, with
    the largest inner products, the largest first; of equal ones the first document's.

    Similarities are computed in blocks, and never all kept.
    """
    blocks = [
        _nearest(queries[start : start + _QUERIES], documents, number) for start in range(0, len(queries), _QUERIES)
    ]
    return np.concatenate(blocks) if blocks else np.empty((0, min(number, len(documents))), dtype=np.int64)


def _nearest(queries: Embeddings, documents: Embeddings, number: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    scores = np.empty((len(queries), 0), dtype=np.float32)
    found = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(documents), _DOCUMENTS):
        block = queries @ documents[start : start + _DOCUMENTS].T
        best = _largest(block, number)
        scores = np.concatenate([scores, np.take_along_axis(block, best, axis=1)], axis=1)
        found = np.concatenate([found, best + start], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :number]
        scores, found = np.take_along_axis(scores, best, axis=1), np.take_along_axis(found, best, axis=1)
    return found


def _largest(block: Embeddings, number: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of each row the places of its `number` largest values, from the left; of equal ones the first."""
    if block.shape[1] <= number:
        return np.broadcast_to(np.arange(block.shape[1]), block.shape).copy()
    bound = -np.partition(-block, number - 1, axis=1)[:, number - 1, None]
    larger, equal = block > bound, block == bound
    missing = number - larger.sum(axis=1, keepdims=True)
    chosen = larger | (equal & (equal.cumsum(axis=1) <= missing))
    return np.nonzero(chosen)[1].reshape(len(block), number)


def recall(number: int) -> Callable[[Sequence[str], Collection[str]], float]:
    """Share of the relevant documents that are among the best `number`."""

    def value(ranked: Sequence[str], relevant: Collection[str]) -> float:
        return sum(one in relevant for one in ranked[:number]) / len(relevant)

    return value


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 / the place of the first relevant document; 0 where none is found."""
    return next((1 / place for place, one in enumerate(ranked[:BEST], 1) if one in relevant), 0.0)


def ndcg(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Discounted cumulative gain relative to the best possible (Järvelin and Kekäläinen 2002); relevant or not."""
    gain = sum(1 / math.log2(place + 1) for place, one in enumerate(ranked[:BEST], 1) if one in relevant)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(BEST, len(relevant)) + 1))


METRICS: Mapping[str, Callable[[Sequence[str], Collection[str]], float]] = {
    "recall@1": recall(1),
    "recall@10": recall(10),
    "mrr@10": reciprocal_rank,
    "ndcg@10": ndcg,
}
"""(ids of the best documents, those of the relevant ones) -> value of a query; a metric is the mean over queries."""


def of_random_order(metric: str, relevant: int, documents: int) -> float:
    """What a random order is expected to have of a metric, for a query with so many relevant documents."""
    share, places = relevant / documents, range(1, min(BEST, documents) + 1)
    if metric.startswith("recall@"):
        return min(1.0, int(metric.partition("@")[2]) / documents)
    if metric == "ndcg@10":
        best = sum(1 / math.log2(place + 1) for place in range(1, min(BEST, relevant) + 1))
        return share * sum(1 / math.log2(place + 1) for place in places) / best
    none_before, value = 1.0, 0.0
    for place in places:
        left = documents - place + 1
        value += none_before * relevant / left / place
        none_before *= max(0.0, 1 - relevant / left)
    return value
