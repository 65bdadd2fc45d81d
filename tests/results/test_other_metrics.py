"""Records of a metric in a unit of its own, of which less is better: every table and text follows its specification."""

import pytest

from prune.recipes.reproduction import reference_of
from prune.report.figures.frontier import y_title
from prune.report.summary import summaries_of
from prune.results.cells import cells
from prune.results.pareto import frontier, points_of
from prune.results.table import View, legend, table_rows
from tests.metric_package import installed
from tests.report.records import record, speed


@pytest.fixture(autouse=True)
def delay(tmp_path, monkeypatch):
    """A metric that is stored in seconds and shown in milliseconds."""
    about = "'delay of an answer', 1000.0, 1, 'ms', higher_is_better=False, margin=0.001"
    yield from installed(tmp_path, monkeypatch, "delay", about)


def run(value, times=2.0, **values):
    scores = {"scores": {"validation": {"delay": value}}, "dense_scores": {"validation": {"delay": 0.040}}}
    fixed = {"metric": "delay", "higher_is_better": False, "value": value, "dense_value": 0.040, "chance": 0.1}
    return record(**fixed | scores | {"speed": [speed(32, times)], "setting": f"{value}"} | values)


def test_the_table_shows_its_unit_and_marks_the_lowest():
    table = [cells(row) for row in table_rows([run(0.032), run(0.050)], View(sort="metric"))]
    assert [row[3] for row in table] == ["delay 32.0 ms *", "delay 40.0 ms", "delay 50.0 ms"]
    assert [row[4] for row in table] == ["-8.0 ms", "", "+10.0 ms"]


def test_the_legend_speaks_of_points_only_where_there_are_some():
    assert "points" not in legend(table_rows([run(0.032)]))
    assert "in points" in legend(table_rows([run(0.032), record()]))


def test_what_is_no_faster_than_the_baseline_is_marked():
    assert cells(table_rows([run(0.0995)])[1])[3] == "delay 99.5 ms (chance level!)"
    assert cells(table_rows([run(0.0985)])[1])[3] == "delay 98.5 ms *"


def test_the_lower_of_two_as_fast_is_at_the_front():
    (front,) = frontier(points_of([run(0.05, config={"seed": 0, "task": {"version": 2}}), run(0.03)]), "speedup")
    assert [point.figures["value"].mean for point in front] == [30.0]


def test_facts_axes_and_scores_have_its_label_and_unit(delay, tmp_path):
    (point,) = points_of([run(0.032)])
    facts = dict(point.facts)
    assert facts["delay of an answer"] == "32.0 ms"
    assert facts["against dense"] == "-8.0 ms (dense 40.0 ms)"
    (summary,) = summaries_of({tmp_path: run(0.032)})
    assert dict(summary.facts)["delay of an answer"] == "32.0 ms, dense 40.0 ms, -8.0 ms"
    assert summary.scores == [("validation", "delay of an answer", "32.0 ms", "40.0 ms", "-8.0 ms")]
    assert y_title("difference", delay) == "delay of an answer, difference from dense (ms)"


def test_a_reference_holds_the_stored_value():
    assert reference_of(run(0.032))["scores"] == {"validation": {"delay": 0.032}}
