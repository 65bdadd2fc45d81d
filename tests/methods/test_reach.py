"""Scores that cannot move far enough are told of before anything is trained."""

import pytest
import torch

from prune import criteria
from prune.errors import UserError
from prune.methods.fine_pruning.reach import check_reach
from prune.runtime import registry
from tests.config.test_schema import DEMO, composed

STRUCT = (*DEMO, "method=struct", "schedule.score_learning_rate=0.01")
FAR = 439
"""Steps in which a score moves by 0.01 * 439 / 2 = 2.195; sigmoid(-2.197) is the threshold, 0.1."""


def told(*words, steps, method=STRUCT):
    said = []
    check_reach(composed(*method, *words), steps, said.append)
    return said


def test_enough_steps_are_not_remarked_upon():
    assert told(steps=FAR + 1) == []


def test_few_steps_are_warned_of_and_very_few_refused():
    (said,) = told(steps=FAR)
    assert said.startswith("struct will remove little, if anything: 439 steps with schedule.score_learning_rate=0.01")
    assert "by about 2.2, and a grain is removed once its score has fallen by 2.2." in said
    assert "target.speedup=2" in said
    assert len(told(steps=200)) == 1
    with pytest.raises(UserError, match="struct would remove nothing: 100 steps"):
        told(steps=100)


@pytest.mark.parametrize(
    "words",
    [
        ("schedule.score_learning_rate=0.1",),
        ("target.density=0.5",),
        ("method.threshold=0.5",),
        ("method.attention.criterion=magnitude",),
    ],
    ids=lambda words: words[0],
)
def test_what_removes_anyway_is_not_remarked_upon(words):
    assert told(*words, steps=100) == []


def test_scores_that_start_from_importance_have_less_far_to_go():
    assert told("schedule.start_from=one_shot", steps=240) == []
    assert len(told("schedule.start_from=one_shot", steps=239)) == 1


LEARNED = [registry.module("criteria", name).CRITERION for name in criteria.of_masks()]


@pytest.mark.parametrize("threshold", [0.1, 0.3])
@pytest.mark.parametrize(
    "criterion", [one for one in LEARNED if one.removed_at(0.1) is not None], ids=lambda one: type(one).__name__
)
def test_a_criterion_removes_at_the_score_that_it_names(criterion, threshold):
    at = criterion.removed_at(threshold)
    cut = threshold if criterion.setting == "threshold" else 0.0
    low, high = criterion.mask(torch.tensor([at - 0.01, at + 0.01]), cut, training=False)
    assert low == 0
    assert high > 0
