"""Churn and McNemar's test by hand and against statsmodels' definition; calibration by hand."""

import numpy as np
import pytest
from scipy.stats import binom

from prune.audit.calibration import calibration_of, expected_calibration_error, reliability
from prune.audit.churn import churn_of, mcnemar
from prune.audit.populations import Population


def population(answers, labels, seeds=(), probabilities=None):
    answers = np.array(answers)
    return Population(answers, (answers == np.array(labels)).astype(float), seeds, probabilities)


def test_churn_by_hand():
    labels = [0, 0, 0, 0]
    dense = population([[0, 0, 1, 1]], labels)
    pruned = population([[0, 1, 0, 2]], labels)
    found = churn_of(dense, pruned)
    assert (found.pairs, found.changed, found.gained, found.lost) == (1, 0.75, 0.25, 0.25)
    assert found.mcnemar == (1.0,)
    assert found.changed_between_dense is None


def test_models_of_the_same_seed_are_paired():
    labels = [0, 0]
    dense = population([[0, 0], [1, 1], [0, 1]], labels, seeds=(0, 1, 2))
    pruned = population([[1, 1], [0, 0]], labels, seeds=(1, 0))
    found = churn_of(dense, pruned)
    assert (found.pairs, found.changed) == (2, 0)
    assert found.changed_between_dense == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_without_seeds_each_is_paired_with_each():
    labels = [0]
    found = churn_of(population([[0], [1]], labels), population([[0], [0], [1]], labels))
    assert (found.pairs, found.changed) == (6, 0.5)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 3), (1, 9), (20, 4)])
def test_mcnemar_sums_the_tails_of_fair_coins(gained, lost):
    number = gained + lost
    chances = binom.pmf(np.arange(number + 1), number, 0.5)
    expected = chances[chances <= chances[gained] * (1 + 1e-9)].sum()
    assert mcnemar(gained, lost) == pytest.approx(expected)


def test_calibration_by_hand():
    """Bins of a fifteenth: 0.62 and 0.66 share one, 0.95 has its own."""
    bins = reliability(np.array([0.62, 0.66, 0.95, 0.95]), np.array([1.0, 0.0, 1.0, 1.0]))
    assert [(one.share, one.confidence, one.accuracy) for one in bins] == [
        (0.5, pytest.approx(0.64), 0.5),
        (0.5, pytest.approx(0.95), 1.0),
    ]
    assert expected_calibration_error(bins) == pytest.approx(0.5 * 0.14 + 0.5 * 0.05)


def test_the_edges_of_bins_belong_to_the_lower_one():
    bins = reliability(np.array([1 / 15, 0.0, 1.0]), np.array([1.0, 1.0, 1.0]))
    assert [one.share for one in bins] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]


def test_a_model_that_draws_its_answers_as_it_says_is_calibrated():
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.5, 1.0, (3, 50_000))
    right = generator.random(sure.shape) < sure
    probabilities = np.stack([sure, 1 - sure], -1)
    found = calibration_of(Population(np.zeros(sure.shape, int), right.astype(float), (), probabilities))
    assert found.error < 0.01
    assert calibration_of(population([[0]], [0])) is None
