"""Columns relative to another dense model than each run's own."""

from dataclasses import replace

import pytest

from prune.errors import UserError
from prune.results.cells import cells
from prune.results.table import View, legend, table_rows
from tests.report.records import record, speed

BIG = record(model="big", dense_linear_params=4000, linear_params=2000, dense_value=0.92, value=0.90, dense_params=9000,
             speed=[speed(1, 1.2, dense_ms=40.0), speed(32, 2.0, dense_ms=400.0)])  # fmt: skip
SMALL = record(dense_linear_params=1000, linear_params=400, dense_value=0.87, value=0.85,
               speed=[speed(1, 1.25, dense_ms=20.0), speed(32, 1.5, dense_ms=100.0)])  # fmt: skip


def table(records, **view):
    return [cells(row) for row in table_rows(records, View(reference="big", **view))]


def test_all_columns_by_hand():
    """The small dense model has a quarter of the weights and takes a quarter of the time; its run 1.5 times less."""
    assert table([BIG, SMALL]) == [
        ("big, sst2", "dense", "100 %", "accuracy 92.00", "", "1.00x"),
        ("big, sst2", "hybrid, penalty 20", "50 %", "accuracy 90.00 *", "-2.00", "2.00x"),
        ("small, sst2", "dense", "25 %", "accuracy 87.00", "-5.00", "4.00x"),
        ("small, sst2", "hybrid, penalty 20", "10 %", "accuracy 85.00 *", "-7.00", "6.00x"),
    ]


def test_the_reference_need_not_be_shown():
    assert table([BIG, SMALL], filters={"model": "small"}) == table([BIG, SMALL])[2:]


def test_without_a_reference_each_is_relative_to_its_own():
    assert cells(table_rows([BIG, SMALL])[2])[2:] == ("100 %", "accuracy 87.00", "", "1.00x")


def test_a_baseline_is_relative_to_it_too():
    assert table([BIG, SMALL], filters={"model": "small"}) != []
    both = [replace(one, baseline="lead-3") for one in (BIG, SMALL)]
    assert [row[4] for row in table(both) if row[1] == "lead-3"] == ["-41.00", "-41.00"]


def test_the_reference_is_the_mean_over_its_seeds_and_its_median_time():
    seeds = [
        replace(BIG, seed=seed, dense_value=value, speed=[speed(32, 2.0, dense_ms=time)])
        for seed, value, time in [(0, 0.90, 100.0), (1, 0.91, 200.0), (2, 0.95, 900.0)]
    ]
    *_, dense, run = table([*seeds, SMALL])
    assert dense[2:] == ("25 %", "accuracy 87.00", "-5.00", "2.00x")
    assert run[4:] == ("-7.00", "3.00x")


def test_of_several_fine_tunings_the_best_is_the_reference():
    worse = replace(BIG, dense_value=0.7, config={"schedule": {"dense_epochs": 0.1}})
    assert table([worse, BIG, SMALL])[-1][4] == "-7.00"
    dense = next(row for row in table([worse, BIG, SMALL]) if row[1].startswith("dense, schedule.dense_epochs"))
    assert dense[4:] == ("-22.00", "1.00x")


def test_a_model_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UserError, match=r"reference=bigg: .* on sst2 .*did you mean 'big'.* There: big, small"):
        table_rows([BIG, SMALL], View(reference="bigg"))


@pytest.mark.parametrize(
    "values", [{"task": "mnli"}, {"task_version": 2}, {"num_examples": {"validation": 10}}, {"metric": "f1"}]
)
def test_a_reference_on_something_else_is_none(values):
    with pytest.raises(UserError, match="reference=big: there is no run of that model on"):
        table_rows([replace(BIG, **values), SMALL], View(reference="big"))


@pytest.mark.parametrize(
    ("values", "there"),
    [
        ({"measured_on": "H200, float32"}, "batch 32 x 8 tokens on H200, float32"),
        ({"speed": [speed(32, 2.0, length=128)]}, "There: batch 32 x 128 tokens on a CPU"),
        ({"speed": [speed(16, 2.0)]}, "There: batch 16 x 8 tokens on a CPU"),
        ({"speed": [{"batch_size": 32, "length": 8, "speedup": 2.0, "speedup_theoretical": 3.0}]}, "no time of it"),
    ],
)
def test_times_of_something_else_are_refused_with_those_that_are_there(values, there):
    with pytest.raises(UserError, match="not timed as small was, at batch 32 x 8 tokens on a CPU") as error:
        table_rows([replace(BIG, **values), SMALL], View(reference="big"))
    assert there in str(error.value)


def test_where_only_some_can_be_compared_the_others_have_no_speedup_and_the_legend_says_so():
    exported = replace(SMALL, setting="penalty 20, ONNX", measured_on="a CPU, 2 threads, float32, ONNX")
    found = table_rows([BIG, SMALL, exported], View(reference="big"))
    assert [cells(row)[5] for row in found] == ["1.00x", "2.00x", "4.00x", "6.00x", ""]
    assert "big was not timed at the same batch" in legend(found, View(reference="big"))
    assert "was not timed" not in legend(found[:4], View(reference="big"))


def test_the_legend_names_the_reference():
    found = table_rows([BIG, SMALL], View(reference="big"))
    assert "relative to the dense big" in legend(found, View(reference="big"))
    assert "the dense model of the same run" in legend(table_rows([SMALL]))
