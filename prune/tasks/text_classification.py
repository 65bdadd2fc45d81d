"""One or two texts -> a label: GLUE's SST-2, MNLI and QQP, and data sets like them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

from prune.data.features import LENGTH, TRUNCATED
from prune.errors import UserError
from prune.tasks.base import OnePassTask, Outputs, Predictions, Scores, mapped
from prune.tasks.metrics.classification import METRICS


class TextClassification(OnePassTask):
    """Texts in the columns `text`, an integer in the column `label`."""

    auto_class = "AutoModelForSequenceClassification"

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        column, names = self.config.label, self.config.labels
        if not pa.types.is_integer(values.type):
            raise UserError(f"{where}: the column {column!r} holds {values.type}, not integers from 0")
        wrong = pc.or_kleene(pc.less(values, 0), pc.greater_equal(values, len(names)))
        row = pc.index(pc.fill_null(wrong, True), True).as_py()
        if row >= 0:
            raise UserError(
                f"{where}: the label in row {row} is {values[row].as_py()}; allowed are 0 to {len(names) - 1} "
                f"({', '.join(names)}). Name yours with task.labels=[...]"
            )

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
            texts = [batch[column] for column in self.config.text]
            encoded = tokenizer(*texts, truncation=True, max_length=self.config.max_length)
            return {
                **encoded,
                LENGTH: [len(ids) for ids in encoded["input_ids"]],
                TRUNCATED: [bool(one.overflowing) for one in encoded.encodings],
                "labels": batch[self.config.label],
            }

        return mapped(rows, encode, fingerprint)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        return DataCollatorWithPadding(tokenizer)

    def model_settings(self) -> dict[str, Any]:
        names = dict(enumerate(self.config.labels))
        return {"num_labels": len(names), "id2label": names, "label2id": {name: i for i, name in names.items()}}

    def predict(self, outputs: Outputs, features: Dataset, rows: Dataset) -> Predictions:
        best = np.stack(outputs["logits"]).argmax(-1)
        names = [self.config.labels[label] for label in best]
        return Predictions(dict(zip(self.ids(rows), names, strict=True)))

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        numbers = {name: number for number, name in enumerate(self.config.labels)}
        given = [str(predictions.answers[id_]) for id_ in self.ids(rows)]
        if unknown := sorted({label for label in given if label not in numbers}):
            raise UserError(f"predictions: {', '.join(unknown[:3])} is no label; allowed are {', '.join(numbers)}")
        return self._scores(np.asarray([numbers[label] for label in given]), np.asarray(rows[self.config.label]))

    def chance(self, rows: Dataset) -> float:
        labels, metric = np.asarray(rows[self.config.label]), self.config.metrics[0]
        constants = (np.full_like(labels, label) for label in range(len(self.config.labels)))
        return max(self._scores(constant, labels)[metric] for constant in constants)

    def _scores(self, predictions: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> Scores:
        scores: Scores = {}
        for name in self.config.metrics:
            scores |= METRICS[name]().compute(predictions=predictions, references=labels) or {}
        return scores


TASK = TextClassification
