"""Rows of the table: configurations over their seeds, below their dense model."""

import math

import pytest

from prune.results.cells import cells
from prune.results.rows import Spread, rows
from tests.report.records import record


def shown(records):
    return [cells(row) for row in rows(records)]


def seeded(seed, value=0.85, **values):
    return record(seed=seed, value=value, **values)


def test_a_row_by_hand():
    dense, row = shown([record()])
    assert dense == ("small, sst2", "dense", "100 %", "accuracy 87.00", "", "1.00x")
    assert row == ("small, sst2", "hybrid, penalty 20", "30 %", "accuracy 85.12", "-1.88", "1.76x")


def test_a_gain_has_its_sign():
    assert shown([record(value=0.88)])[1][4] == "+1.00"


def test_another_seed_is_named():
    assert [row[0] for row in shown([record(seed=3)])] == ["small, sst2, seed 3"] * 2


def test_a_spread_by_hand():
    assert Spread.over([1.0, 2.0, 3.0]) == Spread(2.0, 1.0)
    assert Spread.over([0.3]) == Spread(0.3)
    assert math.isnan(Spread.over([math.inf, -math.inf]).mean)


def test_seeds_of_a_configuration_are_one_row_with_mean_and_deviation():
    """Values 84, 85, 86 against dense 87, 87, 90: differences -3, -2, -4; speed-ups 1, 2, 3."""
    found = [
        seeded(seed, 0.84 + seed / 100, dense_value=dense, linear_params=300 + 10 * seed, speed=[
            {"batch_size": 1, "length": 8, "speedup": 1.0 + seed, "speedup_theoretical": 3.0}
        ])
        for seed, dense in enumerate((0.87, 0.87, 0.90))
    ]  # fmt: skip
    dense, row = shown(found)
    assert dense == ("small, sst2, 3 seeds", "dense", "100 % ± 0", "accuracy 88.00 ± 1.73", "", "1.00x")
    assert row == (
        "small, sst2, 3 seeds", "hybrid, penalty 20", "31 % ± 1", "accuracy 85.00 ± 1.00", "-3.00 ± 1.00",
        "2.00x ± 1.00",
    )  # fmt: skip


def test_a_dense_model_counts_once_however_many_runs_it_stands_behind():
    found = [seeded(seed, method=name, dense_value=0.8 + seed / 10) for seed in (0, 1) for name in "abc"]
    dense, *runs = shown(found)
    assert dense[3] == "accuracy 85.00 ± 7.07"
    assert [row[0] for row in runs] == ["small, sst2, 2 seeds"] * 3


def test_the_same_seed_twice_is_not_called_two_seeds():
    assert shown([seeded(0, 0.8), seeded(0, 0.9)])[1][0] == "small, sst2, 2 runs"


def test_different_hardware_behind_a_mean_is_named():
    found = shown([seeded(0), seeded(1, measured_on="H200, float32")])
    assert found[1][0] == "small, sst2, 2 seeds, on 2 kinds of hardware"


def test_configurations_are_rows_of_their_own():
    """The seeds differ, and so does the config."""
    found = [record(seed=n, config={"seed": n, "schedule": {"epochs": 3.0 + n}}) for n in (0, 1)]
    assert len(rows(found)) == 3


def test_rows_of_one_name_say_what_differs_from_the_defaults():
    configs = [{}, {"schedule": {"fill_epochs": 9.0}}, {"teacher": "none", "schedule": {"fill_epochs": 8.0}}]
    found = shown([record(config=config, linear_density=0.9 - n / 10) for n, config in enumerate(configs)])
    assert [row[1] for row in found[1:]] == [
        "hybrid, penalty 20",
        "hybrid, penalty 20, schedule.fill_epochs=9.0",
        "hybrid, penalty 20, schedule.fill_epochs=8.0, teacher=none",
    ]


def test_dense_models_of_one_name_say_what_differs():
    found = shown([record(config={"schedule": {"dense_epochs": n, "batch_size": 7}}) for n in (9.0, 8.0)])
    dense = [row[1] for row in found if row[1].startswith("dense")]
    assert sorted(dense) == ["dense, schedule.dense_epochs=8.0", "dense, schedule.dense_epochs=9.0"]


def test_the_dense_row_stands_once_above_its_runs():
    found = shown(
        [record(method=name, setting=f"{d}", linear_density=d) for name, d in [("b", 0.2), ("a", 0.1), ("a", 0.9)]]
    )
    assert [row[1] for row in found] == ["dense", "a, 0.9", "a, 0.1", "b, 0.2"]


def test_each_task_model_and_fine_tuning_has_its_own_dense_row():
    other = {"schedule": {"dense_epochs": 9.0}}
    found = shown([record(), record(task="mnli"), record(model="large"), record(config=other)])
    assert [row[1].split(",")[0] for row in found].count("dense") == 4


def test_the_order_of_the_records_does_not_matter():
    records = [seeded(seed, 0.1 * seed, method=name) for name in "ab" for seed in (0, 1, 2)]
    assert shown(records) == shown(records[::-1])


def test_a_baseline_stands_once_below_the_dense_row_with_its_difference():
    found = shown([record(baseline="lead-3", method=name, seed=seed) for name in "ab" for seed in (0, 1)])
    assert [row[1].split(",")[0] for row in found] == ["dense", "lead-3", "a", "b"]
    assert shown([record(baseline="lead-3")])[1] == ("small, sst2", "lead-3", "", "accuracy 51.00", "-36.00", "")


def test_a_constant_answer_is_no_row():
    assert [row[1] for row in shown([record()])] == ["dense", "hybrid, penalty 20"]


@pytest.mark.parametrize(
    ("values", "metric"),
    [
        ({"value": 0.515}, "accuracy 51.50 (chance level!)"),
        ({"value": 0.515, "baseline": "lead-3"}, "accuracy 51.50 (lead-3 level!)"),
        ({"value": 0.3, "baseline": "lead-3"}, "accuracy 30.00 (lead-3 level!)"),
        ({"value": 0.525, "baseline": "lead-3"}, "accuracy 52.50"),
        ({"value": 0.525, "higher_is_better": False}, "accuracy 52.50 (chance level!)"),
    ],
)
def test_a_result_no_better_than_its_baseline_is_marked(values, metric):
    assert shown([record(**values)])[-1][3] == metric


def test_a_dense_model_no_better_than_its_baseline_is_marked():
    assert shown([record(dense_value=0.5, baseline="lead-3")])[0][3] == "accuracy 50.00 (lead-3 level!)"
