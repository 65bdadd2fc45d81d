"""One or two texts -> a label: GLUE's SST-2, MNLI and QQP, and data sets like them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

from prune.errors import UserError
from prune.features import LENGTH, TRUNCATED
from prune.tasks.base import Scores, Task
from prune.tasks.metrics import METRICS


class TextClassification(Task):
    """Texts in the columns `text`, an integer in the column `label`."""

    auto_class = "AutoModelForSequenceClassification"

    def check(self, split: str, rows: Dataset) -> None:
        where = f"task {self.config.name}, split {split!r}"
        if len(rows) == 0:
            raise UserError(f"{where}: there are no rows")
        needed = [*self.config.text, self.config.label]
        if missing := [column for column in needed if column not in rows.column_names]:
            raise UserError(
                f"{where}: there is no column {', '.join(map(repr, missing))}; the columns are "
                f"{', '.join(rows.column_names)}. Name yours with task.text=[...] and task.label="
            )
        for column in self.config.text:
            self._check_text(where, column, rows.data.column(column))
        self._check_labels(where, rows.data.column(self.config.label))

    def _check_text(self, where: str, column: str, values: pa.ChunkedArray) -> None:
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            raise UserError(f"{where}: the column {column!r} holds {values.type}, not text")
        row = pc.index(pc.is_null(values), True).as_py()
        if row >= 0:
            raise UserError(f"{where}: the column {column!r} is null in row {row}")

    def _check_labels(self, where: str, values: pa.ChunkedArray) -> None:
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

    def features(self, rows: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
            texts = [batch[column] for column in self.config.text]
            encoded = tokenizer(*texts, truncation=True, max_length=self.config.max_length)
            return {
                **encoded,
                LENGTH: [len(ids) for ids in encoded["input_ids"]],
                TRUNCATED: [bool(one.overflowing) for one in encoded.encodings],
                "labels": batch[self.config.label],
            }

        return rows.map(encode, batched=True, remove_columns=rows.column_names, load_from_cache_file=False)

    def num_truncated(self, features: Dataset) -> int:
        return int(np.sum(features[TRUNCATED]))

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        return DataCollatorWithPadding(tokenizer)

    def model_settings(self) -> dict[str, Any]:
        names = dict(enumerate(self.config.labels))
        return {"num_labels": len(names), "id2label": names, "label2id": {name: i for i, name in names.items()}}

    def score(self, outputs: Mapping[str, np.ndarray[Any, Any]], features: Dataset) -> Scores:
        predictions = outputs["logits"].argmax(-1)
        return self._scores(predictions, np.asarray(features["labels"]))

    def chance(self, features: Dataset) -> float:
        labels, metric = np.asarray(features["labels"]), self.config.metrics[0]
        constants = (np.full_like(labels, label) for label in range(len(self.config.labels)))
        return max(self._scores(constant, labels)[metric] for constant in constants)

    def _scores(self, predictions: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> Scores:
        scores: Scores = {}
        for name in self.config.metrics:
            scores |= METRICS[name]().compute(predictions=predictions, references=labels) or {}
        return scores


TASK = TextClassification
