"""Calibration: are models right as often as they are confident? (Guo et al. 2017, section 2)"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.audit.populations import Floats, Population

BINS = 15
"""Of equal width, as in the paper."""


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence, of all models of a population."""

    share: float
    """Of all predictions."""
    confidence: float
    """Its mean."""
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Of one population."""

    error: float
    """Expected calibration error (equation 3), the mean over models."""
    bins: tuple[Bin, ...]
    """The reliability diagram; without the bins in which there is nothing."""


def calibration_of(population: Population) -> Calibration | None:
    """The calibration of a population; None where it has no probabilities."""
    if population.probabilities is None:
        return None
    confidence = population.probabilities.max(-1)
    errors = [
        expected_calibration_error(reliability(of_model, scores))
        for of_model, scores in zip(confidence, population.scores, strict=True)
    ]
    return Calibration(float(np.mean(errors)), tuple(reliability(confidence.ravel(), population.scores.ravel())))


def reliability(confidence: Floats, right: Floats) -> list[Bin]:
    """Bins of predictions, both (predictions,); the confidence of a bin is above its lower edge, up to its upper."""
    numbers = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(numbers, minlength=BINS)
    sums = [np.bincount(numbers, weights, minlength=BINS) for weights in (confidence, right)]
    return [
        Bin(float(counts[n] / len(confidence)), float(sums[0][n] / counts[n]), float(sums[1][n] / counts[n]))
        for n in np.flatnonzero(counts)
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """Mean distance of accuracy and confidence, weighted by the bins' shares (equation 3)."""
    return sum(one.share * abs(one.accuracy - one.confidence) for one in bins)
