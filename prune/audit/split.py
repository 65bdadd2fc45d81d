"""The audit of one split: everything that is known of dense and of pruned models' predictions on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset

from prune.audit.calibration import Calibration, calibration_of
from prune.audit.churn import Churn, churn_of
from prune.audit.exemplars import Exemplars, exemplars_of
from prune.audit.populations import FEWEST, Floats, Population
from prune.audit.slices import SliceChange, changes, slices_of
from prune.tasks.base import Predictions, Task
from prune.tasks.text_classification import TextClassification

CONFIDENCE, AGREEMENT = "dense confidence", "dense agreement"
"""Columns that follow from the dense population: its mean probability of the label that it deems likeliest; the share
of its models that give the label that most of them give."""


@dataclass(frozen=True)
class Predicted:
    """What the models of one kind say about a split."""

    predictions: Sequence[Predictions]
    seeds: tuple[int, ...] = ()
    """One per model, where they are known."""


@dataclass(frozen=True)
class Scores:
    """Mean scores over models: of all examples, of the exemplars, of the rest; None where there are none."""

    all: float
    exemplars: float | None
    rest: float | None


@dataclass(frozen=True)
class SplitAudit:
    """What pruning changes on one split."""

    ids: list[str]
    dense: Population
    pruned: Population
    answers: list[str]
    """Text of each answer that the populations number; of a classifier the names of its labels."""
    has_labels: bool
    """Whether each answer is one of a few labels."""
    exemplars: Exemplars | None
    """None where a population has fewer than three models."""
    dense_scores: Scores
    pruned_scores: Scores
    slices: list[SliceChange]
    churn: Churn
    dense_calibration: Calibration | None
    pruned_calibration: Calibration | None
    scale: float
    """What scores are shown multiplied by: 100 where they are fractions."""

    @property
    def remark(self) -> str:
        """Why there are no exemplars; empty where there are."""
        if self.exemplars is not None:
            return ""
        sizes = f"{self.dense.size} dense and {self.pruned.size} pruned models"
        return f"no exemplars of {sizes}: they need {FEWEST} of each, as seed=0,1,2 gives"


def audit_split(task: Task, rows: Dataset, dense: Predicted, pruned: Predicted) -> SplitAudit:
    """Compares what two kinds of models say about `rows`.

    Raises:
        UserError: where an answer is none of the task's.
    """
    answers, numbered = _with_numbered_answers(task, rows, (dense, pruned))
    populations = of_dense, of_pruned = [_population(task, rows, predicted) for predicted in numbered]
    enough = min(population.size for population in populations) >= FEWEST
    exemplars = exemplars_of(of_dense, of_pruned, len(answers) if task.has_labels else None) if enough else None
    columns = task.slice_columns(rows) | _of_population(of_dense, exemplars)
    return SplitAudit(
        ids=task.ids(rows),
        dense=of_dense,
        pruned=of_pruned,
        answers=answers,
        has_labels=task.has_labels,
        exemplars=exemplars,
        dense_scores=_scores(of_dense, exemplars),
        pruned_scores=_scores(of_pruned, exemplars),
        slices=changes(slices_of(columns), of_dense, of_pruned),
        churn=churn_of(of_dense, of_pruned),
        dense_calibration=calibration_of(of_dense),
        pruned_calibration=calibration_of(of_pruned),
        scale=1.0 if task.distilled_as == "numbers" else 100.0,
    )


def _with_numbered_answers(
    task: Task, rows: Dataset, every: Sequence[Predicted]
) -> tuple[list[str], list[tuple[Predicted, list[list[int]]]]]:
    """The text of each answer, and what each model says by its number, (models, examples)."""
    if isinstance(task, TextClassification):
        return list(task.names), [(one, [task.numbers_of(said, rows) for said in one.predictions]) for one in every]
    ids, numbers = task.ids(rows), dict[str, int]()

    def number(answer: Any) -> int:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return numbers.setdefault(text, len(numbers))

    numbered = [(one, [[number(said.answers[id_]) for id_ in ids] for said in one.predictions]) for one in every]
    return list(numbers), numbered


def _population(task: Task, rows: Dataset, numbered: tuple[Predicted, list[list[int]]]) -> Population:
    predicted, answers = numbered
    scores = np.array([task.scores_of_each(one, rows) for one in predicted.predictions], dtype=np.float32)
    return Population(np.array(answers, dtype=np.int32), scores, predicted.seeds, _probabilities(task, rows, predicted))


def _probabilities(task: Task, rows: Dataset, predicted: Predicted) -> Floats | None:
    if not isinstance(task, TextClassification) or not all(one.probabilities for one in predicted.predictions):
        return None
    return np.array([task.probabilities_of(one, rows) for one in predicted.predictions], dtype=np.float32)


def _of_population(dense: Population, exemplars: Exemplars | None) -> dict[str, Sequence[Any]]:
    if dense.probabilities is not None:
        return {CONFIDENCE: dense.probabilities.mean(0).max(-1).astype(float)}
    if exemplars is not None and exemplars.dense_shares is not None:
        return {AGREEMENT: exemplars.dense_shares.max(-1).astype(float)}
    return {}


def _scores(population: Population, exemplars: Exemplars | None) -> Scores:
    means = population.scores.mean(0, dtype=np.float64)
    if exemplars is None:
        return Scores(float(means.mean()), None, None)
    inside, outside = means[exemplars.chosen], means[~exemplars.chosen]
    return Scores(float(means.mean()), *(float(part.mean()) if len(part) else None for part in (inside, outside)))
