"""Training large, then compressing: a shape of one's own, budgets, and what trainings have taken."""

import json
from pathlib import Path

import pytest

from prune.pipeline import compute
from prune.recipes.reproduction import config_of
from prune.results.record import Record, results_of
from tests.composing import composed
from tests.config.test_schema import DEMO, problems
from tests.models.test_shape import SHAPE, WORDS
from tests.runs.tiny import call, folders

pytestmark = pytest.mark.usefixtures("alone")


def test_a_run_has_the_shape_and_so_has_its_recipe():
    code, out, error = call(*WORDS, method="one_shot")
    assert code == 0, error
    (file,) = Path("outputs").glob("demo/demo_L2_H32_A4_I48/one_shot/*/seed_0/record.json")
    record = Record.read(file)
    assert record.dense_linear_params == 2 * (4 * 32 * 32 + 2 * 32 * 48)
    assert "demo_L2_H32_A4_I48" in out
    again = composed(f"recipe={file.parent / 'recipe.yaml'}").model
    assert (again.shape, again.name) == (SHAPE, "demo_L2_H32_A4_I48")


def finished(*words, method="one_shot", outputs="outputs"):
    code, _, error = call(*words, f"outputs={outputs}", method=method)
    assert code == 0, error
    return Record.read(folders(outputs)[method] / "record.json")


def test_a_budget_of_compute_decides_about_the_dense_model_alone():
    usual = finished(method="hybrid_filled")
    flops = usual.training["dense"]["flops"] / 2
    halved = finished(f"schedule.budget_flops={flops}", method="hybrid_filled", outputs="halved")
    steps = usual.training["dense"]["steps"]
    assert halved.training["dense"]["steps"] == pytest.approx(steps / 2, abs=1)
    assert flops * (1 - 2 / steps) < halved.training["dense"]["flops"] <= flops
    for stage in ("teacher", "prune", "fill"):
        assert halved.training[stage].get("steps") == usual.training[stage].get("steps")
        assert halved.training[stage]["flops"] > 0
    assert halved.training_flops == sum(stage["flops"] for stage in halved.training.values())
    assert halved.training["prune"]["flops"] == usual.training["prune"]["flops"]


def test_a_time_is_measured_once_and_its_recipe_has_the_steps(monkeypatch):
    asked = []
    monkeypatch.setattr(compute, "seconds_per_step", lambda *_: asked.append(1) or 0.5)
    record = finished("schedule.budget_seconds=10.2")
    (steps,) = Path("outputs/dense").glob("*.steps.json")
    assert json.loads(steps.read_text())["steps"] == record.training["dense"]["steps"] == 20
    again = finished("schedule.budget_seconds=10.2", "target.density=0.4", "report=true")
    assert again.training["dense"] == record.training["dense"]
    assert len(asked) == 1
    recipe = folders("outputs")["one_shot"] / "recipe.yaml"
    asked_for = composed(f"recipe={recipe}", "outputs=elsewhere")
    assert (asked_for.schedule.budget_seconds, asked_for.schedule.dense_epochs) == (None, 20 / 32)


def test_the_same_command_gives_the_same_compute():
    one, two = (finished("schedule.eval_every=0.5", outputs=name) for name in ("one", "two"))
    first, second = results_of(one), results_of(two)
    assert first["config"].pop("outputs") != second["config"].pop("outputs")
    assert first == second
    assert config_of(one).schedule.eval_every == 0.5


def test_the_compute_of_the_run_that_pretrained_a_model_is_counted():
    first = finished()
    (dense,) = Path("outputs/dense").glob("*/model")
    words = (f"model.path={dense}", "model.pretrained=true", "model.name=next")
    second = finished(*words, outputs="next")
    assert second.training["pretraining"] == {"flops": first.training["dense"]["flops"]}
    assert second.dense_training_flops == 2 * first.training["dense"]["flops"]
    (dense,) = Path("next/dense").glob("*/model")
    third = finished(*words[1:], f"model.path={dense}", outputs="third")
    assert third.training["pretraining"]["flops"] == second.dense_training_flops


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("schedule.budget_flops=0",), "schedule.budget_flops=0.0: must be above 0, or null"),
        (("schedule.budget_seconds=-1",), "schedule.budget_seconds=-1.0: must be above 0, or null"),
        (("schedule.budget_flops=1e31",), "schedule.budget_flops=1e+31: a number must be below 1e+30"),
        (("schedule.budget_flops=1e12", "schedule.budget_seconds=60"), "schedule.budget_flops=1e+12 and schedule.budg"),
        (
            ("schedule.budget_flops=1e12", "model.dense=pkg://demo/model"),
            "schedule.budget_flops=1e+12: model.dense=pkg",
        ),
        (("schedule.eval_every=2",), "schedule.eval_every: 2 is no duration"),
    ],
)
def test_what_is_no_budget_is_refused_by_name(words, said):
    assert [problem for problem in problems(*DEMO, *words) if problem.startswith(said)]


@pytest.mark.parametrize("flops", [1, 1e29])
def test_a_budget_of_no_step_or_of_endless_ones_is_refused_before_any_training(flops):
    code, _, error = call(f"schedule.budget_flops={flops}", method="one_shot")
    assert code == 2
    assert f"schedule.budget_flops={flops:g}: " in error
    assert "fine-tuning" not in error
