"""Completion, as a shell asks for it."""

import pytest

from prune.config.keys import GROUPS, choices
from prune.recipes import library


@pytest.fixture
def completions(prune, monkeypatch):
    """What is offered for a line."""

    def offered(line):
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        code, out, _ = prune("-sc", "query=bash")
        assert code == 0
        return out.split()

    return offered


@pytest.mark.parametrize("group", GROUPS)
def test_completion_offers_every_choice_of_a_group(group, completions):
    assert completions(f"prune {group}=") == [f"{group}={choice}" for choice in choices(group)]


def test_completion_offers_keys(completions):
    assert "method.penalty=" in completions("prune method.pen")


def test_completion_offers_the_key_of_recipes(completions):
    assert completions("prune rec") == ["recipe"]


def test_completion_offers_the_recipes_outside_of_folders(completions):
    """Hydra completes one level of a group only."""
    offered = {word.removeprefix("recipe=") for word in completions("prune recipe=")}
    assert offered >= {name for name in library.names() if "/" not in name}
