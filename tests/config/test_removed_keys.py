"""Keys that older versions had: nobody can set them any more, and what was made with them is still read."""

from dataclasses import asdict, replace

import pytest

from prune.config.identity import differences
from prune.config.keys import REMOVED, known_keys
from prune.recipes.reproduction import config_of, recipe_of
from prune.recipes.verification import differing
from prune.results.record import Record
from tests.composing import composed, refused, written
from tests.records import record
from tests.report.records import record as finished
from tests.report.records import save

KEY = "compact.during_training"
pytestmark = pytest.mark.usefixtures("elsewhere")


def older(value):
    """A record of a run whose config has the removed key."""
    new = record(composed("model=demo", "task=demo"))
    return replace(new, config={**new.config, "compact": {**new.config["compact"], "during_training": value}})


def test_none_is_a_key_of_the_schema():
    assert not REMOVED.keys() & set(known_keys())


@pytest.mark.parametrize("value", ["true", "false"])
def test_setting_one_says_on_a_line_that_it_was_removed_and_what_to_do(value, tmp_path):
    problem = refused(f"{KEY}={value}", "model=demo", "task=demo")
    assert problem.startswith(f"{KEY}=")
    assert "was removed" in problem and "leave it out" in problem and "\n" not in problem
    recipe = written(tmp_path, f"# @package _global_\ncompact: {{during_training: {value}}}\n")
    of_recipe = refused(f"recipe={recipe}", "model=demo", "task=demo")
    assert "was removed" in of_recipe and "\n" not in of_recipe


@pytest.mark.parametrize("value", [True, False])
def test_a_record_with_one_is_read(value, tmp_path):
    config = composed("model=demo", "task=demo")
    old = {**asdict(config), "compact": {**asdict(config.compact), "during_training": value}}
    save(tmp_path / "run", finished(config=old))
    found = Record.read(tmp_path / "run" / "record.json")
    assert found.config == old
    assert config_of(found) == config
    assert "during_training" not in recipe_of(config_of(found), found)


def test_at_its_default_it_tells_no_run_from_another():
    new = record(composed("model=demo", "task=demo"))
    assert differences(older(False).config) == differences(new.config)
    assert older(False).configuration == new.configuration
    assert differences(older(True).config)["compact"] == {"during_training": True}
    assert older(True).configuration != new.configuration


def test_a_run_that_had_it_is_not_the_recipes():
    config = composed("model=demo", "task=demo")
    assert differing(config, config) == []
    assert differing(config, config, {KEY: True}) == [f"{KEY}=True"]
