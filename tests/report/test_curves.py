"""Curves: what a history logs, and what follows from the schedule."""

from prune.report.curves import curves_of
from tests.report.folders import configured

HISTORY = [
    {"loss": 2.0, "labels_loss": 1.5, "density_feed_forward": 1.0, "ramp": 0.0, "step": 5, "learning_rate": 0.1},
    {"loss": 1.23456, "labels_loss": 1.0, "density_feed_forward": 0.5, "ramp": 0.5, "heads_left": 7, "step": 10},
    {"train_runtime": 3.0, "step": 10},
]


def curves(config):
    return {(one.panel, one.series): (one.steps, one.values) for one in curves_of(HISTORY, config)}


def test_what_is_logged_is_a_curve():
    found = curves(configured(20.0))
    assert found["loss", "total"] == ([5, 10], [2.0, 1.235])
    assert found["loss", "against labels"] == ([5, 10], [1.5, 1.0])
    assert found["density", "feed-forward"] == ([5, 10], [1.0, 0.5])
    assert found["heads", "heads"] == ([10], [7.0])


def test_threshold_and_penalty_follow_the_schedule():
    found = curves(configured(20.0))
    assert found["threshold", "threshold"] == ([5, 10], [0.0, 0.05])
    assert found["penalty", "penalty"] == ([5, 10], [0.0, 10.0])


def test_where_a_target_moves_the_cut_the_threshold_is_not_known():
    found = curves(configured(20.0, target={"density": 0.3}))
    assert ("threshold", "threshold") not in found
    assert ("penalty", "penalty") in found


def test_a_criterion_without_threshold_has_none():
    config = configured(20.0)
    for site in ("attention", "feed_forward"):
        config["method"][site] = {"criterion": "magnitude"}
    assert not {"threshold", "penalty"} & {panel for panel, _ in curves(config)}


def test_without_a_config_what_is_logged_is_left():
    assert ("loss", "total") in curves({})
    assert ("threshold", "threshold") not in curves({})
