"""Correlations of numbers, by scipy; in [-1, 1], 0 where all that is predicted is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import pearsonr, spearmanr

Numbers = np.ndarray[Any, Any]


def _of(correlation: Callable[[Numbers, Numbers], Any]) -> Callable[[Numbers, Numbers], float]:
    def value(true: Numbers, predicted: Numbers) -> float:
        return float(correlation(true, predicted).statistic) if np.ptp(predicted) > 0 else 0.0

    return value


METRICS = {"pearson": _of(pearsonr), "spearman": _of(spearmanr)}
