"""Candidates are the config with other settings of the method, and wrong ones are refused before anything is tried."""

from dataclasses import replace

import pytest

from prune.config.candidates import candidates_of, in_words
from prune.config.schema import MethodConfig
from tests.composing import composed
from tests.config.test_schema import problems

WORDS = ("model=demo", "task=demo", "method=one_shot", "target.density=0.5")


def test_each_candidate_is_the_config_with_its_settings():
    asked = "method.candidates=[{},{layers:0.5},{attention:{grain:none},recovery:0}]"
    config = composed(*WORDS, asked, "method.candidate_fill=0.2")
    base = composed(*WORDS)
    same, shallow, narrow = candidates_of(config)
    assert same == base
    assert shallow == replace(base, method=replace(base.method, layers=0.5))
    assert narrow.method.attention == replace(base.method.attention, grain="none")
    assert (narrow.method.recovery, narrow.method.layers) == (0.0, 1.0)
    assert narrow.method.candidate_fill == MethodConfig().candidate_fill


def test_without_candidates_the_config_is_the_only_one():
    config = composed(*WORDS)
    assert candidates_of(config) == [config]


def test_candidates_are_told_as_a_command_would_say_them():
    assert in_words({"layers": 0.5, "attention": {"grain": "none"}}) == "method.layers=0.5 method.attention.grain=none"
    assert in_words({}) == "no other settings"


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ("[3]", "3 is no mapping of settings of the method"),
        ("[{leyers:1}]", "Key 'leyers' not in 'MethodConfig'"),
        ("[{layers:half}]", "could not be converted to Float"),
        ("[{finish:compact}]", "finish is the same for all candidates"),
        ("[{layers:1},{layers:3}]", "with method.layers=3: method.layers=3.0: must be above 0, at most 1"),
        ("[{attention:{grain:block}}]", "with method.attention.grain=block: method.attention.grain=block: not known"),
        ("[{tokens:{operator:top_k}}]", "method.tokens.after=[], keep=[]: say after which layers"),
    ],
)
def test_candidates_that_cannot_be_are_refused(candidates, said):
    (problem,) = problems(*WORDS, f"method.candidates={candidates}")
    assert problem.startswith("method.candidates: ")
    assert said in problem


def test_methods_that_train_masks_have_no_candidates():
    (problem,) = problems("model=demo", "task=demo", "method=hybrid", "method.candidates=[{layers:0.5}]")
    assert problem.endswith("not read by fine_pruning, but by one_shot")
