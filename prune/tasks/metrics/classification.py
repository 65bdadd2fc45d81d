"""Metrics of labels, computed by scikit-learn."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate
from sklearn.metrics import accuracy_score, f1_score


class _LabelMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate is not typed
    """A metric of predicted against true labels."""

    citation = ""
    description = ""

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def _info(self) -> evaluate.MetricInfo:
        features = datasets.Features({"predictions": datasets.Value("int32"), "references": datasets.Value("int32")})
        return evaluate.MetricInfo(description=self.description, citation=self.citation, features=features)


class Accuracy(_LabelMetric):
    """Fraction of right labels."""

    description = "Fraction of right labels."

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(references, predictions))}


class F1(_LabelMetric):
    """Harmonic mean of precision and recall of label 1 (GLUE's second metric for QQP)."""

    description = "F1 of label 1."

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return {"f1": float(f1_score(references, predictions, zero_division=0.0))}


METRICS: dict[str, type[_LabelMetric]] = {"accuracy": Accuracy, "f1": F1}
"""All higher is better, fractions in [0, 1]."""
