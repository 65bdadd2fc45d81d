"""Configs composed from words of the command, without carrying anything out."""

import pytest

from prune.composition.compose import compose_and_call
from prune.errors import UserError

HEAD = "# @package _global_\n"


def all_composed(*words):
    """The configs of the command line `words`, one for each job of a sweep."""
    return compose_and_call(list(words), lambda config: config)


def composed(*words):
    """The one config of the command line `words`."""
    (config,) = all_composed(*words)
    return config


def refused(*words):
    """Why the command line `words` is refused."""

    def call(config):
        raise AssertionError("a bad recipe was carried out")

    with pytest.raises(UserError) as error:
        compose_and_call(list(words), call)
    return str(error.value)


def written(folder, text, name="mine.yaml"):
    """A file of a recipe."""
    file = folder / name
    file.write_text(text)
    return file
