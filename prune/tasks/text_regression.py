"""One or two texts -> a number: GLUE's STS-B, and data sets like it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, Value

from prune.data.checks import is_number
from prune.errors import UserError
from prune.tasks.base import Outputs, Predictions, Scores, SequenceTask


class TextRegression(SequenceTask):
    """Texts in the columns `text`, a number in the column `label`."""

    distilled_as = "numbers"

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise UserError(f"{where}: the column {self.config.label!r} holds {values.type}, not numbers")

    def usable(self, split: str, rows: Dataset) -> Dataset:
        return super().usable(split, rows).cast_column(self.config.label, Value("float32"))

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        values = enumerate(rows[self.config.label][:])
        missing = [row for row, value in values if value is None or not math.isfinite(value)]
        return super().unusable(split, rows) | {"no finite number": missing}

    def load(self, splits: Sequence[str] | None = None) -> dict[str, Dataset]:
        data = super().load(splits)
        for split in self.eval_splits:
            if split in data and len(set(data[split][self.config.label])) < 2:
                raise UserError(
                    f"task {self.config.name}, split {split!r}: the column {self.config.label!r} holds the same number "
                    "everywhere, and nothing correlates with that"
                )
        return data

    def model_settings(self) -> dict[str, Any]:
        return {"num_labels": 1, "problem_type": "regression"}

    def predict(self, outputs: Outputs, features: Dataset, rows: Dataset) -> Predictions:
        numbers = np.stack(outputs["logits"])[:, 0]
        return Predictions({id_: float(one) for id_, one in zip(self.ids(rows), numbers, strict=True)})

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        from prune.tasks.metrics.correlation import METRICS

        given = [number(predictions.answers[id_]) for id_ in self.ids(rows)]
        numbers = np.asarray(rows[self.config.label][:], dtype=float)
        return {name: METRICS[name](numbers, np.asarray(given)) for name in self.config.metrics}

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """The distance from the true number, negative."""
        pairs = zip(self.ids(rows), rows[self.config.label][:], strict=True)
        return [-abs(number(predictions.answers[id_]) - true) for id_, true in pairs]

    def slice_columns(self, rows: Dataset) -> dict[str, Sequence[Any]]:
        return {"label": rows[self.config.label][:], **super().slice_columns(rows)}

    def chance(self, rows: Dataset) -> float:
        return 0.0


def number(answer: Any) -> float:
    """A number of a predictions file."""
    if not is_number(answer):
        raise UserError(f"predictions: {answer} is no number")
    return float(answer)


TASK = TextRegression
