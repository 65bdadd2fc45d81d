"""Recipes: found, read, composed; what the command says wins over them."""

import pytest

from prune.config.schema import MethodConfig
from prune.files.paths import shipped
from prune.recipes import library
from tests.composing import HEAD, all_composed, composed, refused, written

FILES = sorted(shipped("recipes").rglob("*.yaml"))
pytestmark = pytest.mark.usefixtures("elsewhere")


def test_every_shipped_recipe_is_found():
    assert len(FILES) > 0
    assert len(library.names()) == len(FILES)
    assert [library.find(name) for name in library.names()] == FILES


def test_a_recipe_by_path_is_the_recipe(tmp_path):
    written(tmp_path, library.find("demo").read_text())
    assert composed("recipe=mine.yaml") == composed(f"recipe={tmp_path}/mine.yaml") == composed("recipe=demo")


def test_a_path_with_odd_characters_is_no_problem(tmp_path):
    file = written(tmp_path, HEAD + "method: {penalty: 3.0}\n", "a b-c.d (1).yaml")
    assert composed(f"recipe='{file}'").method.penalty == 3.0


def test_two_recipes_of_one_name_are_not_confused(tmp_path):
    (tmp_path / "other").mkdir()
    written(tmp_path, HEAD + "method: {penalty: 3.0}\n")
    written(tmp_path / "other", HEAD + "method: {penalty: 4.0}\n")
    assert composed("recipe=./mine.yaml").method.penalty == 3.0
    assert composed("recipe=./other/mine.yaml").method.penalty == 4.0


@pytest.mark.parametrize("order", [1, -1])
def test_the_words_of_the_command_win_over_the_recipe(order):
    words = ["recipe=demo", "method=struct", "method.penalty=7", "schedule.epochs=9"][::order]
    config = composed(*words)
    assert (config.method.name, config.method.penalty, config.schedule.epochs) == ("struct", 7.0, 9.0)
    assert config.model.name == "demo"


def test_what_a_recipe_says_of_a_group_stays_where_the_command_chooses_another():
    said = library.read(library.find("demo"))["method"]["penalty"]
    assert composed("method=struct").method.penalty != said
    assert composed("recipe=demo", "method=struct").method.penalty == said


def test_what_a_recipe_says_to_its_own_method_is_not_said_to_another():
    config = composed("recipe=demo", "method=one_shot", "target.speedup=1.5")
    assert config.method.penalty == MethodConfig().penalty != library.read(library.find("demo"))["method"]["penalty"]
    said = refused("recipe=demo", "method=one_shot", "target.speedup=1.5", "method.penalty=7")
    assert said == "method.penalty=7.0: not read by one_shot, but by fine_pruning"


def test_a_recipe_that_says_what_its_own_method_does_not_read_is_refused(tmp_path):
    written(tmp_path, HEAD + "defaults: [{override /method: struct}]\nmethod: {refit_tokens: 3}\n")
    assert refused("recipe=mine.yaml") == "method.refit_tokens=3: not read by fine_pruning, but by one_shot"


def test_recipes_are_swept_over_and_the_command_wins_in_each(tmp_path):
    file = written(tmp_path, HEAD + "defaults: [{override /method: struct}]\nmethod: {penalty: 3.0}\nseed: 4\n")
    configs = all_composed("-m", f"recipe=demo,sst2/minilm_block_60,{file}", "method.penalty=7", "seed=5")
    found = [(config.task.name, config.method.name, config.method.penalty, config.seed) for config in configs]
    assert found == [
        (task, method, 7.0, 5) for task, method in (("demo", "hybrid_filled"), ("sst2", "block"), ("sst2", "struct"))
    ]


def test_a_recipe_says_the_rest_where_the_command_sweeps_over_a_group():
    configs = all_composed("-m", "recipe=demo", "method=struct,block")
    assert [(config.method.name, config.schedule.name) for config in configs] == [("struct", "demo"), ("block", "demo")]


def test_a_plain_reference_is_filled_in(tmp_path):
    written(tmp_path, HEAD + "schedule: {fill_epochs: '${schedule.epochs}', epochs: 5.0}\n")
    assert composed("recipe=mine.yaml").schedule.fill_epochs == 5.0


@pytest.mark.parametrize("name", ["dem", "../configs/config", "demo.yml", "/etc/passwd", "sst2", "", "demo/"])
def test_what_is_no_recipe_is_not_found(name):
    assert "there is no such recipe" in refused(f"recipe='{name}'")
