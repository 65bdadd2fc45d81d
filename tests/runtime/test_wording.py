"""Numbers in sentences: one of a thing is no plural, and what is slower is not called faster."""

import ast

import pytest

from prune.files.paths import PACKAGE
from prune.runtime.wording import counted, times_faster


@pytest.mark.parametrize(("number", "said"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps")])
def test_one_of_a_thing_is_no_plural(number, said):
    assert counted(number, "step") == said


@pytest.mark.parametrize(
    ("speedup", "said"),
    [
        (2.134, "2.13 times faster"),
        (1.01, "1.01 times faster"),
        (1.004, "just as fast"),
        (0.996, "just as fast"),
        (0.99, "1.01 times slower"),
        (0.78, "1.28 times slower"),
    ],
)
def test_what_is_slower_is_not_called_faster(speedup, said):
    assert times_faster(speedup) == said


def test_every_speedup_in_words_is_said_by_the_helper():
    """A ratio between an f-string's text `{...} times faster` would be called faster where it is below 1."""
    texts = {
        file.name
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.JoinedStr)
        and any(isinstance(part, ast.Constant) and "times faster" in part.value for part in node.values)
    }
    assert texts == {"wording.py"}
