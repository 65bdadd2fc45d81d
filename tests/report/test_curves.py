"""Curves: what a history logs."""

from prune.report.detail.curves import curves_of

HISTORY = [
    {"loss": 2.0, "labels_loss": 1.5, "density_feed_forward": 1.0, "ramp": 0.0, "step": 5, "learning_rate": 0.1},
    {"loss": 1.23456, "labels_loss": 1.0, "density_feed_forward": 0.5, "units_attention": 7.0,
     "units_feed_forward": 9.0, "threshold_attention": 0.05, "penalty_weight_attention": 10.0, "ramp": 0.5, "step": 10},
    {"eval_accuracy": 0.75, "eval_f1": 0.5, "flops": 3e9, "seconds": 2.0, "step": 10},
    {"train_runtime": 3.0, "train_loss": 1.0, "step": 10},
]  # fmt: skip


def test_what_is_logged_of_losses_and_masks_is_a_curve_over_its_steps():
    found = {(one.panel, one.series): (one.steps, one.values) for one in curves_of(HISTORY)}
    assert found == {
        ("loss", "total"): ([5, 10], [2.0, 1.235]),
        ("loss", "against labels"): ([5, 10], [1.5, 1.0]),
        ("density", "feed-forward"): ([5, 10], [1.0, 0.5]),
        ("heads", "heads"): ([10], [7.0]),
        ("dimensions", "dimensions"): ([10], [9.0]),
        ("metric", "accuracy"): ([10], [0.75]),
        ("metric", "f1"): ([10], [0.5]),
        ("threshold", "attention"): ([10], [0.05]),
        ("penalty", "attention"): ([10], [10.0]),
    }


def test_an_empty_history_has_none():
    assert curves_of([]) == []
