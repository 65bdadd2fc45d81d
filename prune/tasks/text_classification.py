"""One or two texts -> a label: GLUE's SST-2, MNLI and QQP, and data sets like them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset

from prune.config.schema import ClassWeights, TaskConfig
from prune.data.checks import is_number, nulls
from prune.data.labels import holds_fractions, names_in, number_of, numbers_of
from prune.data.reading import read_split
from prune.errors import UserError
from prune.runtime.registry import nearest
from prune.tasks.base import Loss, Outputs, Predictions, Scores, SequenceTask
from prune.tasks.metrics.specs import problem_with_labels

if TYPE_CHECKING:
    from torch import Tensor

_DIGITS = 9
"""Of a probability that is kept, after the point."""
_MOST_SHOWN = 20
"""Of a task's labels."""


class TextClassification(SequenceTask):
    """Texts in the columns `text`; in the column `label` the name of a label, its number from 0, or a boolean."""

    has_labels = True

    def __init__(self, config: TaskConfig, seed: int):
        super().__init__(config, seed)
        self.names = list(config.labels)
        """Of the labels, in the order of their numbers; read off the training split where the config has none."""
        self._weights: list[float] = []

    def load(self, splits: Sequence[str] | None = None) -> dict[str, Dataset]:
        if not self.names:
            self.names = self._names_in_training()
            self.findings.append(f"labels: {self._shown}")
            if problem := problem_with_labels(self.config.metrics, len(self.names)):
                raise UserError(problem)
        data = super().load(splits)
        for split in self.eval_splits:
            if split in data:
                self._check_metrics(split, data[split])
        if self.config.class_weights is ClassWeights.balanced and self.config.train_split in data:
            self._weights = balanced_weights(data[self.config.train_split][self.config.label], len(self.names))
        return data

    @property
    def _shown(self) -> str:
        return ", ".join(self.names[:_MOST_SHOWN]) + " ..." * (len(self.names) > _MOST_SHOWN)

    def _names_in_training(self) -> list[str]:
        rows, column = read_split(self.config, self.config.train_split), self.config.label
        self.check(self.config.train_split, rows)
        known = rows.features[column]
        names = known.names if isinstance(known, ClassLabel) else names_in(rows.data.column(column))
        where = f"task {self.config.name}, split {self.config.train_split!r}: the column {column!r}"
        if len(names) < 2:
            raise UserError(f"{where} holds no two labels, only {', '.join(names) or 'nothing'}")
        if len(names) > max(2, len(rows) / 2) or holds_fractions(rows.data.column(column)):
            raise UserError(
                f"{where} holds {len(names)} different values in {len(rows)} rows. Where they are numbers to be "
                "predicted, say task=text_regression; otherwise name the labels with task.labels=[...]"
            )
        return names

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        column, kind = self.config.label, values.type
        if not (
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
            or pa.types.is_string(kind) or pa.types.is_large_string(kind)
        ):  # fmt: skip
            raise UserError(f"{where}: the column {column!r} holds {kind}; labels are texts, whole numbers or booleans")
        if not self.names:
            return
        try:
            numbers_of(values, self.names)
        except ValueError as error:
            value = values[row := int(str(error))].as_py()
            raise UserError(f"{where}: the label in row {row} is {value!r}; {self._allowed(value)}") from None

    def _allowed(self, value: Any) -> str:
        near = nearest(value, self.names) if isinstance(value, str) else ""
        return (
            f"allowed are {self._shown}, or 0 to {len(self.names) - 1}{near}. Name yours with "
            "task.labels=[...], or leave it empty to have them read off the training split"
        )

    def usable(self, split: str, rows: Dataset) -> Dataset:
        column = self.config.label
        numbers = numbers_of(rows.data.column(column), self.names)
        return super().usable(split, rows.remove_columns(column).add_column(column, numbers))

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        return super().unusable(split, rows) | {
            f"nothing in the column {self.config.label!r}": nulls(rows.data.column(self.config.label))
        }

    def _check_metrics(self, split: str, rows: Dataset) -> None:
        """Raises a UserError where a metric is not defined for the labels that are there."""
        there = set(rows[self.config.label][:])
        missing = [name for number, name in enumerate(self.names) if number not in there]
        if "roc_auc" in self.config.metrics and missing:
            raise UserError(
                f"task.metrics: roc_auc needs examples of every label, and the split {split!r} has none of "
                f"{', '.join(missing[:3])}; say another metric"
            )

    @property
    def loss(self) -> Loss | None:
        return weighted_cross_entropy(self._weights) if self._weights else None

    def model_settings(self) -> dict[str, Any]:
        names = dict(enumerate(self.names))
        return {"num_labels": len(names), "id2label": names, "label2id": {name: i for i, name in names.items()}}

    def predict(self, outputs: Outputs, features: Dataset, rows: Dataset) -> Predictions:
        from scipy.special import softmax

        logits, ids = np.stack(outputs["logits"]), self.ids(rows)
        answers = dict(zip(ids, [self.names[label] for label in logits.argmax(-1)], strict=True))
        probabilities = softmax(logits.astype(float), axis=-1).round(_DIGITS).tolist()
        return Predictions(answers, probabilities=dict(zip(ids, probabilities, strict=True)))

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        return self._scores(self.numbers_of(predictions, rows), self.probabilities_of(predictions, rows), rows)

    def numbers_of(self, predictions: Predictions, rows: Dataset) -> list[int]:
        """The number of the label that is given to each example."""
        return [self._number(predictions.answers[id_]) for id_ in self.ids(rows)]

    def probabilities_of(self, predictions: Predictions, rows: Dataset) -> list[list[float]] | None:
        """Those of all labels for each example; None where they are not known."""
        if not predictions.probabilities:
            return None
        return [self._checked(id_, predictions.probabilities[id_]) for id_ in self.ids(rows)]

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """1 where the label is right, or else 0."""
        given, labels = self.numbers_of(predictions, rows), rows[self.config.label][:]
        return [float(answer == label) for answer, label in zip(given, labels, strict=True)]

    def slice_columns(self, rows: Dataset) -> dict[str, Sequence[Any]]:
        columns = {"label": [self.names[label] for label in rows[self.config.label][:]], **super().slice_columns(rows)}
        if len(self.config.text) == 2:
            pairs = zip(*(rows[name][:] for name in self.config.text), strict=True)
            columns["overlap"] = [lexical_overlap(first, second) for first, second in pairs]
        return columns

    def _number(self, answer: Any) -> int:
        try:
            return number_of(answer, self.names)
        except ValueError:
            raise UserError(f"predictions: {answer} is no label; allowed are {self._shown}") from None

    def _checked(self, id_: str, probabilities: Any) -> list[float]:
        size, given = len(self.names), probabilities if isinstance(probabilities, list) else []
        if len(given) != size or not all(map(is_number, given)) or not math.isclose(sum(given), 1.0, abs_tol=1e-6):
            raise UserError(f"probabilities: those of {id_} are not {size} numbers, one for each label, whose sum is 1")
        return given

    def chance(self, rows: Dataset) -> float:
        size, metric = len(self.names), self.config.metrics[0]
        constants = (
            self._scores([label] * len(rows), [[float(other == label) for other in range(size)]] * len(rows), rows)
            for label in range(size)
        )
        return max(scores[metric] for scores in constants)

    def _scores(self, given: list[int], probabilities: list[list[float]] | None, rows: Dataset) -> Scores:
        from prune.tasks.metrics.classification import METRICS, Classified

        classified = Classified(
            np.asarray(rows[self.config.label][:]), np.asarray(given), self.names,
            None if probabilities is None else np.asarray(probabilities),
        )  # fmt: skip
        scores: Scores = {}
        for name in self.config.metrics:
            scores |= METRICS[name](classified)
        return scores


def lexical_overlap(first: str, second: str) -> float:
    """The share of the words of the second text that the first one has, too (McCoy et al. 2019: 1 is a heuristic)."""
    words, others = (re.findall(r"\w+", text.lower()) for text in (first, second))
    known = set(words)
    return sum(word in known for word in others) / len(others) if others else 0.0


def balanced_weights(labels: Sequence[int], number: int) -> list[float]:
    """A weight for each of so many labels, inverse to how often it occurs; their mean over examples is 1."""
    counts = np.bincount(np.asarray(labels), minlength=number)
    return [float(weight) for weight in len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))]


def weighted_cross_entropy(weights: Sequence[float]) -> Loss:
    """Cross-entropy of logits (batch, labels), each example weighted by its label's weight; the mean over examples.

    It is not divided by the sum of the batch's weights, so that no example counts more for the batch that it is in.
    """
    import torch
    import torch.nn.functional as F

    of_labels = torch.tensor(weights)

    def loss(outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Tensor:
        logits, labels = outputs["logits"], inputs["labels"]
        each = F.cross_entropy(logits.float(), labels, reduction="none")
        return (each * of_labels.to(labels.device)[labels]).mean()

    return loss


TASK = TextClassification
