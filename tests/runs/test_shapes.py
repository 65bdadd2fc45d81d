"""A shape that was chosen once can be asked for: recipes do, of runs whose target is a time, which none repeats."""

import json
from dataclasses import replace

import pytest
import torch
import yaml

from prune.budget.shape import check_shape, counts_of, shape_of, units_of
from prune.compaction.structure import Structure
from prune.config.reference import EnvironmentConfig, ReferenceConfig
from prune.errors import UserError
from prune.models.architecture import sublayers_of
from prune.pipeline import experiment
from prune.recipes.reproduction import config_of, recipe_of, reference_of
from prune.recipes.verification import EXACT, compare
from prune.results.record import Record
from tests.architectures import ARCHITECTURES
from tests.config.test_schema import DEMO, problems
from tests.runs.tiny import call, folders

SHAPE = {"attention": [2, 0], "feed_forward": [24, 3]}


def in_words(shapes):
    """As the command line has them."""
    return f"method.shape={json.dumps(shapes)}".replace('"', "")


@pytest.fixture
def sublayers(make_bert):
    return sublayers_of(make_bert())


def test_the_best_units_of_each_sublayer_stay(sublayers):
    importance = {s.name: torch.arange(s.num_units).float() for s in sublayers}
    kept = units_of(SHAPE, sublayers, importance)
    assert shape_of(kept, sublayers) == SHAPE
    assert list(kept.values()) == [(2, 3), tuple(range(24)), (), (21, 22, 23)]
    assert counts_of(SHAPE, sublayers) == {name: len(units) for name, units in kept.items()}


@pytest.mark.parametrize(
    "wrong", [{"attention": [2]}, {"attention": [2, 5]}, {"feed_forward": [24, -1]}, {"feed_forward": [1, 1, 1]}]
)
def test_a_shape_that_the_model_cannot_have_is_refused(sublayers, wrong):
    check_shape(SHAPE, sublayers)
    ((site, counts),) = wrong.items()
    with pytest.raises(UserError) as error:
        check_shape(SHAPE | wrong, sublayers)
    assert f"method.shape: {site}={counts}: this model has 2 such sublayers" in str(error.value)


def test_sublayers_of_two_stacks_stand_in_their_order():
    bart = sublayers_of(ARCHITECTURES["bart"].model())
    assert len(shape_of({s.name: () for s in bart}, bart)["attention"]) == sum(s.site == "attention" for s in bart)


TARGET = "target.speedup=2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("method=one_shot", TARGET, in_words([SHAPE])), "must list 4 mappings {attention: [numbers of heads]"),
        (("method=struct", TARGET, in_words([SHAPE, SHAPE])), "must list 1 mapping {attention: [numbers of heads]"),
        (("method=struct", TARGET, "method.shape=[1]"), "must list 1 mapping {attention: [numbers of heads]"),
        (("method=struct", TARGET, in_words([{"attention": [1, 1]}])), "must list 1 mapping {attention:"),
        (("method=struct", TARGET, in_words([SHAPE | {"attention": [0.5, 1]}])), "must list 1 mapping {attention:"),
        (("method=struct", in_words([SHAPE])), "method.shape: needs the target that it was chosen for"),
        (("method=hybrid", TARGET, in_words([SHAPE])), "hybrid does not remove whole heads and dimensions"),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(words, said):
    (problem,) = problems(*DEMO, *words)
    assert said in problem


@pytest.mark.parametrize(
    ("method", "words"),
    [("one_shot", ("method.removal_steps=2", "method.recovery=0.25")), ("struct", ())],
    ids=["one_shot", "struct"],
)
def test_what_was_chosen_is_had_again_without_choosing(finished_runs, tmp_path, monkeypatch, method, words):
    records = {}
    for name in ("first", "again"):
        finished_runs.copy_dense(tmp_path / name)
        shape = in_words(records["first"].shapes) if records else "method.shape=[]"
        code, _, err = call(f"outputs={tmp_path / name}", "target.density=0.4", *words, shape, method=method)
        assert code == 0, err
        folder = folders(tmp_path / name)[method]
        records[name] = Record.read(folder / "record.json")
        records[name].kept = Structure.read(folder / "model").kept
        if method == "one_shot":
            monkeypatch.setattr(experiment, "budget_of", None)  # it needs none
    first, again = records.values()
    assert len(first.shapes) == (2 if method == "one_shot" else 1)
    assert again.kept == first.kept
    assert again.shapes == first.shapes
    assert again.scores == first.scores
    assert first.shapes[-1] == {"attention": first.heads_kept, "feed_forward": first.dimensions_kept}


def test_another_shape_is_what_the_model_gets(finished_runs, tmp_path):
    finished_runs.copy_dense(tmp_path)
    wanted = {"attention": [1, 4, 0], "feed_forward": [40, 0, 7]}
    code, _, err = call(f"outputs={tmp_path}", in_words([wanted]), method="one_shot")
    assert code == 0, err
    record = Record.read(folders(tmp_path)["one_shot"] / "record.json")
    assert {"attention": record.heads_kept, "feed_forward": record.dimensions_kept} == wanted


@pytest.fixture
def record(finished_runs, tmp_path):
    return Record.read(finished_runs.copy("one_shot", tmp_path) / "record.json")


@pytest.mark.parametrize(("target", "is_there"), [({"speedup": 2.0, "density": None}, True), ({}, False)])
def test_the_recipe_of_a_run_whose_target_is_a_time_has_its_shape(record, target, is_there):
    timed = replace(record, config=record.config | {"target": record.config["target"] | target})
    text = recipe_of(config_of(timed), timed)
    assert yaml.safe_load(text)["method"]["shape"] == (record.shapes if is_there else [])
    (counts,) = [line for line in text.splitlines() if "feed_forward: [" in line] or [""]
    assert bool(counts) is is_there  # numbers in one line


def test_a_shape_that_times_have_chosen_is_not_expected_to_be_equal(record):
    environment = EnvironmentConfig(**reference_of(record)["environment"])
    reference = ReferenceConfig(linear_density=record.linear_density, environment=environment)

    def tolerance(target, shapes):
        method = record.config["method"] | {"shape": shapes}
        run = replace(record, config=record.config | {"target": target, "method": method})
        return next(one.tolerance for one in compare(reference, run) if one.name == "density")

    assert tolerance({"density": 0.3}, []) == tolerance({"speedup": 2.0}, record.shapes) == EXACT
    assert tolerance({"speedup": 2.0}, []) == tolerance({"latency_ms": 2.0}, []) == 0.02
