"""Compression-identified exemplars: the examples that pruned models treat otherwise than dense ones.

Modal (Hooker et al. 2019, section 3.2): most pruned models give another label than most dense models do.
Taxicab (Hooker et al. 2020, section 3): the L1 distance between the shares of models that give each label, from 0 to 2.
Where answers are no labels: how much the mean score of an example has lost.

A few models differ by chance. So the same is measured between two halves of the dense population, over all ways to
halve it: the null. Since smaller populations differ more by chance, dense and pruned models are compared in parts of
these sizes, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prune.audit.populations import Floats, Halving, Population, halvings, membership

_PERCENTILE = 99


@dataclass(frozen=True)
class Null:
    """Differences between the halves of the dense population, and in parts of the same sizes of dense and pruned."""

    halvings: int
    sizes: tuple[int, int]
    """Models in each half."""
    modal: float | None
    """Number of modal exemplars, the mean over halvings; None where answers are no labels."""
    modal_most: int | None
    distance: float
    """Mean distance of an example: taxicab, or the difference of scores."""
    percentile_99: float
    """Distance that 99 % of the examples do not exceed."""
    matched_modal: float | None
    """The same figures for dense models against pruned ones, in parts of the null's sizes."""
    matched_distance: float


@dataclass(frozen=True)
class Exemplars:
    """Of one split; arrays are (examples,)."""

    chosen: NDArray[np.bool_]
    """The exemplars: the modal ones, or those that lose more than 99 % of the examples do between halves."""
    distances: Floats
    """Taxicab distances, or losses of score where answers are no labels."""
    dense_shares: Floats | None
    """(examples, labels): share of the models that give each label; None where answers are no labels."""
    pruned_shares: Floats | None
    null: Null


def exemplars_of(dense: Population, pruned: Population, num_labels: int | None) -> Exemplars:
    """The exemplars between two populations; `num_labels` is None where answers are no labels."""
    parted = halvings(dense.size)
    if num_labels is None:
        losses = dense.scores.mean(0) - pruned.scores.mean(0)
        null = _null(dense.scores[..., None], pruned.scores[..., None], parted, modal=False)
        return Exemplars(losses > null.percentile_99, losses, None, None, null)
    votes, votes_of_pruned = (_one_hot(population.answers, num_labels) for population in (dense, pruned))
    shares, others = votes.mean(0), votes_of_pruned.mean(0)
    null = _null(votes, votes_of_pruned, parted, modal=True)
    return Exemplars(modal_labels(shares) != modal_labels(others), taxicab(shares, others), shares, others, null)


def modal_labels(shares: Floats) -> NDArray[np.integer[Any]]:
    """(..., labels) -> (...): the label with the largest share; of equals the last, as the paper's code has it."""
    last: NDArray[np.integer[Any]] = shares.shape[-1] - 1 - np.round(shares, 9)[..., ::-1].argmax(-1)
    return last


def taxicab(shares: Floats, others: Floats) -> Floats:
    """(..., labels) -> (...): the L1 distance of two distributions, from 0 to 2."""
    distance: Floats = np.abs(shares - others).sum(-1)
    return distance


def _one_hot(answers: NDArray[np.integer[Any]], num_labels: int) -> Floats:
    """(models, examples) -> (models, examples, labels)."""
    votes: Floats = (answers[..., None] == np.arange(num_labels)).astype(np.float64)
    return votes


def _null(values: Floats, others: Floats, parted: list[Halving], *, modal: bool) -> Null:
    """`values`, `others`: (models, examples, labels) or (models, examples, 1), of dense and of pruned models."""
    sizes = len(parted[0].first), len(parted[0].second)
    parts = _parts(len(others), sizes[1], len(parted))
    firsts, seconds = ([getattr(one, name) for one in parted] for name in ("first", "second"))
    pooled, matched, counts, matched_counts = [], [], [], []
    for first, second, part in zip(firsts, seconds, parts, strict=True):
        means = [_mean(of, members) for of, members in ((values, first), (values, second), (others, part))]
        pooled.append(_distance(means[0], means[1], modal))
        matched.append(float(np.abs(_distance(means[0], means[2], modal)).mean()))
        if modal:
            labels = [modal_labels(mean) for mean in means]
            counts.append(int((labels[0] != labels[1]).sum()))
            matched_counts.append(int((labels[0] != labels[2]).sum()))
    distances = np.stack(pooled)
    if not modal:  # either half may stand for the pruned models
        distances = np.concatenate([distances, -distances])
    return Null(
        halvings=len(parted),
        sizes=sizes,
        modal=float(np.mean(counts)) if modal else None,
        modal_most=max(counts) if modal else None,
        distance=float(np.abs(distances).mean()),
        percentile_99=float(np.percentile(distances, _PERCENTILE)),
        matched_modal=float(np.mean(matched_counts)) if modal else None,
        matched_distance=float(np.mean(matched)),
    )


def _parts(size: int, of: int, number: int) -> list[list[int]]:
    """So many parts of a population, each `of` models or all, drawn."""
    generator = np.random.default_rng(0)
    return [sorted(generator.choice(size, min(of, size), replace=False).tolist()) for _ in range(number)]


def _mean(values: Floats, members: Any) -> Floats:
    mean: Floats = np.tensordot(membership([members], len(values))[0], values, 1)
    return mean


def _distance(mean: Floats, other: Floats, modal: bool) -> Floats:
    return taxicab(mean, other) if modal else (mean - other)[..., 0]
