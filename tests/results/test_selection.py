"""Filters, order, marks, and what others beat."""

import itertools
import random

import pytest

from prune.errors import UserError
from prune.results.rows import DENSE, RUN, rows
from prune.results.selection import BANDS, COLUMNS, band, filtered, sorted_by, with_best_marked, without_beaten
from tests.report.records import record, speed

EACH = itertools.product(("sst2", "mnli"), ("minilm", "bert_base"), ("hybrid", "struct"), (0, 1))
SOME = [record(task=task, model=model, method=method, seed=seed) for task, model, method, seed in EACH]


def run(value, times, **values):
    """A run of a configuration of its own, of so many points and so many times faster."""
    setting = f"{value}, {times}"
    return record(
        value=value / 100, speed=[speed(32, times)], setting=setting, linear_params=int(900 / times), **values
    )


def settings(found):
    return [row.setting or row.method for row in found]


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ({}, 16),
        ({"task": "sst2"}, 8),
        ({"task": "sst2,mnli"}, 16),
        ({"task": "sst2", "model": "minilm", "method": "struct", "seed": "1"}, 1),
        ({"method": "hybrid, struct", "seed": "0"}, 8),
    ],
)
def test_filters_hold_together(filters, number):
    found = filtered(SOME, filters)
    assert len(found) == number
    assert all(str(getattr(one, name)) in text for one in found for name, text in filters.items())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("method", "hybird", r"method=hybird: there is no such run \(did you mean 'hybrid'\?\). There: hybrid, struct"),
        ("model", "minilm,bert_bas", r"model=bert_bas: .*'bert_base'.* There: bert_base, minilm"),
        ("seed", "7", "seed=7: there is no such run. There: 0, 1"),
        ("task", "", "task=: .* There: mnli, sst2"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_there(name, text, said):
    with pytest.raises(UserError, match=said):
        filtered(SOME, {name: text})


def test_filters_that_leave_nothing_are_refused():
    with pytest.raises(UserError, match="no run is all of task=sst2 model=large"):
        filtered([record(), record(task="mnli", model="large")], {"task": "sst2", "model": "large"})


def test_a_name_with_a_comma_is_found():
    assert len(filtered([record(model="a,b"), record()], {"model": "a,b"})) == 1


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("metric", ["dense", "86, 2.0", "85, 3.0", "80, 1.0"]),
        ("difference", ["dense", "86, 2.0", "85, 3.0", "80, 1.0"]),
        ("speed-up", ["85, 3.0", "86, 2.0", "dense", "80, 1.0"]),
        ("params", ["85, 3.0", "86, 2.0", "80, 1.0", "dense"]),
        ("model", ["dense", "80, 1.0", "85, 3.0", "86, 2.0"]),
        ("method", ["dense", "80, 1.0", "85, 3.0", "86, 2.0"]),
    ],
)
def test_each_column_sorts_best_first(column, expected):
    found = rows([run(80, 1.0), run(86, 2.0), run(85, 3.0)])
    assert settings(sorted_by(found, column)) == expected


def test_every_column_sorts():
    for column in COLUMNS:
        assert len(sorted_by(rows(SOME), column)) == len(rows(SOME))


@pytest.mark.parametrize("column", ["metric", "difference"])
def test_where_lower_is_better_the_lowest_comes_first(column):
    found = rows([run(value, 2.0, higher_is_better=False, dense_value=0.5, chance=0.9) for value in (60, 40, 70)])
    assert settings(sorted_by(found, column)) == ["40, 2.0", "dense", "60, 2.0", "70, 2.0"]


def test_what_has_no_figure_comes_last_and_tasks_stay_together():
    found = sorted_by(rows([run(80, 1.0, baseline="lead-3"), run(90, 9.0, task="mnli")]), "speed-up")
    assert [(row.task, row.method) for row in found] == [
        ("mnli", "hybrid"), ("mnli", "dense"), ("sst2", "dense"), ("sst2", "hybrid"), ("sst2", "lead-3"),
    ]  # fmt: skip


def test_bands_by_hand():
    assert [band(times) for times in (0.5, 1.49, 1.5, 3.0, 4.0, 5.9, 6.0, 20.0)] == [
        "below 1.5", "below 1.5", "1.5-2.5", "2.5-4", "4-6", "4-6", "from 6", "from 6",
    ]  # fmt: skip
    assert len({band(edge) for edge in (0.0, *BANDS)}) == len(BANDS) + 1


def test_the_best_of_each_band_task_and_model_is_marked():
    found = [run(80, 1.6), run(81, 2.4), run(70, 2.6), run(90, 2.0, task="mnli"), run(60, 2.0, model="large")]
    assert {row.setting for row in with_best_marked(rows(found)) if row.best} == {
        "81, 2.4",
        "70, 2.6",
        "90, 2.0",
        "60, 2.0",
    }


def test_of_equals_the_faster_is_marked_and_only_one():
    assert [row.setting for row in with_best_marked(rows([run(80, 1.6), run(80, 2.4), run(80, 2.0)])) if row.best] == [
        "80, 2.4"
    ]


def test_where_lower_is_better_the_lowest_is_marked():
    found = rows([run(value, 2.0, higher_is_better=False, chance=0.9) for value in (60, 40, 70)])
    assert [row.setting for row in with_best_marked(found) if row.best] == ["40, 2.0"]


def test_nothing_at_chance_level_is_marked():
    assert not any(row.best for row in with_best_marked(rows([run(51, 2.0)])))


def test_runs_that_another_beats_are_left_out():
    found = rows(
        [run(80, 2.0), run(80, 1.9), run(79, 2.0), run(85, 1.5), run(70, 3.0), run(60, 0.9), run(99, 2, task="mnli")]
    )
    assert settings(without_beaten(found)) == ["dense", "99, 2", "dense", "70, 3.0", "80, 2.0", "85, 1.5"]


def test_the_dense_model_beats_but_stays():
    assert settings(without_beaten(rows([run(86, 0.9)]))) == ["dense"]
    assert settings(without_beaten(rows([run(88, 1.1)]))) == ["dense", "88, 1.1"]


def test_equals_do_not_beat_each_other():
    twins = [run(80, 2.0, method=name) for name in "ab"]
    assert [row.method for row in without_beaten(rows(twins))] == ["dense", "a", "b"]


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_what_is_left_is_what_the_definition_says(higher_is_better):
    """Against all pairs, on a coarse grid so that there are ties."""
    draw = random.Random(0)
    pairs = {(draw.randrange(60, 70), draw.randrange(2, 12) / 2) for _ in range(60)}
    found = rows([run(value, times, higher_is_better=higher_is_better, chance=0.5) for value, times in sorted(pairs)])

    def beats(one, other):
        mine, its = ((row.gain, row.speedup.mean) for row in (one, other))
        return mine != its and mine[0] >= its[0] and mine[1] >= its[1]

    left = [row for row in found if row.kind == DENSE or not any(beats(other, row) for other in found)]
    assert without_beaten(found) == left
    assert 0 < sum(row.kind == RUN for row in left) < len(found) - 1
