"""Churn: how many predictions change between a dense and a pruned model, and which way (McNemar 1947)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from scipy.stats import binomtest

from prune.audit.populations import Population


@dataclass(frozen=True)
class Churn:
    """Shares of the examples, means over pairs of a dense and a pruned model."""

    pairs: int
    changed: float
    """Share of the answers that are others."""
    gained: float
    """Share of the examples that have a better score."""
    lost: float
    mcnemar: tuple[float, ...]
    """For each pair how likely so uneven a change is by chance: the exact test on gained against lost."""
    changed_between_dense: float | None
    """The share of changed answers between two dense models, the mean over their pairs; None of a single one."""


def churn_of(dense: Population, pruned: Population) -> Churn:
    """The churn between models of the same seed, where seeds are known; else between each and each."""
    pairs = _pairs(dense, pruned)
    changed = [float((dense.answers[a] != pruned.answers[b]).mean()) for a, b in pairs]
    gained = [int((pruned.scores[b] > dense.scores[a]).sum()) for a, b in pairs]
    lost = [int((pruned.scores[b] < dense.scores[a]).sum()) for a, b in pairs]
    among = [float((dense.answers[a] != dense.answers[b]).mean()) for a, b in combinations(range(dense.size), 2)]
    number = dense.scores.shape[1]
    return Churn(
        pairs=len(pairs),
        changed=sum(changed) / len(pairs),
        gained=sum(gained) / len(pairs) / number,
        lost=sum(lost) / len(pairs) / number,
        mcnemar=tuple(mcnemar(up, down) for up, down in zip(gained, lost, strict=True)),
        changed_between_dense=sum(among) / len(among) if among else None,
    )


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p-value of the exact test: by chance a changed example is gained as likely as lost."""
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _pairs(dense: Population, pruned: Population) -> list[tuple[int, int]]:
    places = {seed: number for number, seed in enumerate(dense.seeds)}
    pairs = [(places[seed], number) for number, seed in enumerate(pruned.seeds) if seed in places]
    return pairs or [(first, second) for first in range(dense.size) for second in range(pruned.size)]
