"""The frontier: what is a point, what beats what."""

import itertools
import random
from dataclasses import astuple

import pytest

from prune.report.figures.frontier import published_points
from prune.results.pareto import Range, dense_points_of, frontier, pareto_front, points_of
from prune.results.published_rows import published_rows
from tests.report.folders import configured, measured


def points(*runs, **values):
    """Points of runs given as (speed-up, value), at batch 32."""
    records = [
        measured(speedup, value=value, setting=f"penalty {number}", config=configured(number), **values)
        for number, (speedup, value) in enumerate(runs)
    ]
    return [point for point in points_of(records) if point.batch == 32]


def front(found, cost="speedup"):
    return [[(p.figures["speedup"].mean, p.figures["value"].mean) for p in one] for one in frontier(found, cost)]


def test_what_another_beats_in_both_is_not_at_the_front():
    assert front(points((2, 0.8), (3, 0.85), (4, 0.7))) == [[(3, 85.0), (4, 70.0)]]


def test_of_two_as_fast_the_better_is_at_the_front_and_of_two_as_good_the_faster():
    assert front(points((2, 0.8), (2, 0.81))) == [[(2, 81.0)]]
    assert front(points((2, 0.8), (3, 0.8))) == [[(3, 80.0)]]


def test_against_density_less_is_better():
    sparse = measured(2, value=0.8, linear_density=0.1, config=configured(20))
    full = measured(2, value=0.8, linear_density=0.9, config=configured(40))
    (found,) = frontier([p for p in points_of([sparse, full]) if p.batch == 32], "density")
    assert [point.figures["density"].mean for point in found] == [0.1]


def test_where_less_is_better_the_lower_metric_is_at_the_front():
    assert front(points((2, 0.8), (3, 0.85), (4, 0.9), higher_is_better=False))[0][0] == (2, 80.0)
    assert front(points((2, 0.8), (1.5, 0.9), higher_is_better=False)) == [[(2, 80.0)]]


def test_methods_models_and_batch_sizes_have_fronts_of_their_own():
    records = [measured(2), measured(3, method="struct"), measured(4, model="large")]
    assert len(list(frontier(points_of(records), "speedup"))) == 3 * 2


def test_replicates_are_one_point_with_their_spread():
    records = [
        measured(s, seed=seed, value=v, config=configured(20, seed)) for seed, s, v in [(0, 2, 0.8), (1, 4, 0.9)]
    ]
    found = points_of(records)
    assert [(point.batch, point.runs) for point in found] == [(1, (0, 1)), (32, (0, 1))]
    assert astuple(found[1].figures["value"]) == pytest.approx((85.0, 80.0, 90.0))
    assert found[1].figures["speedup"] == Range(3.0, 2.0, 4.0)
    assert found[1].figures["latency"] == Range(30.0, 20.0, 40.0)
    assert ("seeds", "0, 1") in found[1].facts


def test_one_run_has_the_spread_of_its_measurements():
    assert astuple(points((2, 0.8))[0].figures["speedup"]) == (2, pytest.approx(1.8), pytest.approx(2.2))


def test_other_settings_are_another_point_and_places_are_no_settings():
    one, other = measured(2, config=configured(20)), measured(2, config=configured(21))
    assert len(points_of([one, other])) == 2 * len(points_of([one]))
    moved = measured(2, config=configured(20, seed=5, outputs="/moved", force=True), seed=5)
    assert len(points_of([one, moved])) == len(points_of([one]))


def test_dense_is_at_one_and_zero():
    (point,) = [p for p in dense_points_of([measured(2), measured(3, setting="x")]) if p.batch == 32]
    assert point.figures["speedup"].mean == 1.0
    assert point.figures["difference"].mean == 0.0
    assert point.figures["value"].mean == pytest.approx(87.0)
    assert point.figures["latency"].mean == pytest.approx(80.0)


def test_a_record_without_milliseconds_has_no_latency():
    old = measured(2, speed=[{"batch_size": 32, "length": 8, "speedup": 2.0, "speedup_theoretical": 3.0}])
    (point,) = points_of([old])
    assert "latency" not in point.figures
    assert list(frontier([point], "latency")) == []


def test_published_points_name_their_hardware():
    found = published_points(published_rows("squad", "f1"))
    assert len(found) >= 8
    assert all("RTX 3090" in dict(one["facts"])["published, measured on"] for one in found)
    base = next(one for one in found if one["label"] == "BERT-base, dense")
    assert (base["speedup"], base["density"], "difference" in base) == (1, 1, False)


def dominates(one, other):
    return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_no_other_dominates(seed):
    """Few values, so that many points are equal in one coordinate or in both."""
    draw = random.Random(seed)
    found = [(draw.randrange(5), draw.randrange(5)) for _ in range(draw.randrange(30))]
    front = pareto_front(found)
    assert sorted(front) == [
        number for number, one in enumerate(found) if not any(dominates(other, one) for other in found)
    ]
    for before, after in itertools.pairwise(front):
        assert found[before][0] > found[after][0] or (found[before] == found[after] and before < after)


def test_training_compute_is_a_cost_where_all_replicates_tell_it():
    stages = {"dense": {"flops": 2e12}, "prune": {"flops": 1e12}}
    told = measured(2, training=stages, config=configured(20))
    (point, *_), (dense, *_) = points_of([told]), dense_points_of([told])
    assert (point.figures["compute"].mean, dense.figures["compute"].mean) == (3.0, 2.0)
    assert ("training compute", "3 x 10^12 operations") in point.facts
    both = points_of([told, measured(2, seed=1, config=configured(20))])
    assert all("compute" not in one.figures for one in both)
