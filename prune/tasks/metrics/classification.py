"""Metrics of labels, by scikit-learn; fractions, the higher the better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, recall_score, roc_auc_score


@dataclass(frozen=True)
class Classified:
    """What was predicted for a split. Labels are numbers from 0; shapes: (examples,)."""

    labels: np.ndarray[Any, Any]
    predicted: np.ndarray[Any, Any]
    names: Sequence[str]
    """Of the labels."""
    probabilities: np.ndarray[Any, Any] | None = None
    """Of all labels, (examples, labels)."""


def _f1(classified: Classified, average: str) -> float:
    """The mean of no label's F1 that neither occurs nor is predicted."""
    return float(f1_score(classified.labels, classified.predicted, average=average, zero_division=0.0))


def _f1_of_each(classified: Classified) -> dict[str, float]:
    every = range(len(classified.names))
    values = f1_score(classified.labels, classified.predicted, labels=every, average=None, zero_division=0.0)
    return {f"f1_{name}": float(value) for name, value in zip(classified.names, values, strict=True)}


def _balanced_accuracy(classified: Classified) -> float:
    """The mean recall of the labels that occur."""
    labels = classified.labels
    return float(recall_score(labels, classified.predicted, labels=np.unique(labels), average="macro"))


def _roc_auc(classified: Classified) -> float:
    """Of label 1 where there are two; else the mean over labels of each against the others."""
    assert classified.probabilities is not None, "scores without probabilities were asked for"
    if len(classified.names) == 2:
        return float(roc_auc_score(classified.labels, classified.probabilities[:, 1]))
    every = np.arange(len(classified.names))
    return float(roc_auc_score(classified.labels, classified.probabilities, multi_class="ovr", labels=every))


METRICS: dict[str, Callable[[Classified], dict[str, float]]] = {
    "accuracy": lambda c: {"accuracy": float(accuracy_score(c.labels, c.predicted))},
    "f1": lambda c: {"f1": _f1(c, "binary")},
    "macro_f1": lambda c: {"macro_f1": _f1(c, "macro")},
    "micro_f1": lambda c: {"micro_f1": _f1(c, "micro")},
    "f1_of_each": _f1_of_each,
    "balanced_accuracy": lambda c: {"balanced_accuracy": _balanced_accuracy(c)},
    "matthews": lambda c: {"matthews": float(matthews_corrcoef(c.labels, c.predicted))},
    "roc_auc": lambda c: {"roc_auc": _roc_auc(c)},
}
"""Name, as `task.metrics` has it -> its scores."""
