"""The names that are checked before torch is loaded are those of the modules that need it."""

from prune import checks
from prune.masking.grains import GRAINS
from prune.tasks.metrics import METRICS


def test_the_checked_grains_are_those_that_exist_and_where_they_apply():
    assert {name: grain.site or "both sites" for name, grain in GRAINS.items()} == checks.GRAINS


def test_the_checked_metrics_are_those_that_exist():
    assert set(METRICS) == set(checks.METRICS)
