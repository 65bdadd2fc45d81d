"""The figure of a metric over training compute, while models were trained."""

import json

import pytest

from prune.report.figures.learning_curves import drawn
from prune.report.figures.theme import LIGHT
from prune.report.page.write import write_report
from tests.report.folders import configured, measured, save
from tests.report.test_page import content

SECTION = "Metric against training compute"
TRAINING = {"pretraining": {"flops": 5e12}, "teacher": {"flops": 1e12}, "dense": {"steps": 4, "flops": 2e12},
            "prune": {"steps": 4, "flops": 4e12}, "fill": {"steps": 2, "flops": 3e12}}  # fmt: skip


def run(tmp_path, history_of_fill, **values):
    """A run whose fill was evaluated meanwhile."""
    one = measured(2, config=configured(20), training=TRAINING, **values)
    folder = save(tmp_path, one, "a")
    (folder / "filled").mkdir()
    (folder / "filled" / "history.json").write_text(json.dumps(history_of_fill))


def evaluated(step, accuracy, **values):
    return {"step": step, "eval_accuracy": accuracy} | values


HISTORY = [{"step": 1, "loss": 0.7, "flops": 1.5e12}, evaluated(1, 0.6, flops=1.5e12), evaluated(2, 0.8, flops=3e12)]


def test_compute_of_a_stage_begins_where_that_of_all_before_it_ends(tmp_path):
    run(tmp_path, HISTORY, value=0.81, seconds={"dense": 1.0, "prune": 2.0, "fill": 1.0})
    page = write_report(tmp_path)
    (figure,) = content(page)["learning_curves"]
    assert figure["title"] == "sst2: accuracy"
    # 5 of pretraining, 1 of the teacher, 2 of the dense model, 4 of the pruning, which was not evaluated
    assert [(row["compute"], row["value"]) for row in figure["data"]["curves"]] == [(13.5, 60.0), (15.0, 80.0)]
    dense, pruned = figure["data"]["models"]
    assert (dense["compute"], dense["part"]) == (7.0, "dense")
    assert (pruned["compute"], pruned["value"], pruned["runs"]) == (15.0, 81.0, [0])
    assert SECTION in page.read_text()
    assert {file.suffix for file in (tmp_path / "figures").glob("sst2-accuracy-learning-curves.*")} == {".svg", ".png"}


@pytest.mark.parametrize(
    "history",
    [[], [evaluated(1, 0.6), evaluated(2, 0.8, flops=3e12)], [evaluated(1, 0.6, flops=-1.0)], HISTORY[:1]],
    ids=["nothing", "a step of unknown compute", "less than none", "only losses"],
)
def test_what_is_not_known_is_not_drawn(tmp_path, history):
    run(tmp_path, history)
    page = write_report(tmp_path)
    assert content(page)["learning_curves"] == []
    assert SECTION not in page.read_text()


def test_nothing_of_no_runs():
    assert list(drawn([], LIGHT)) == []
