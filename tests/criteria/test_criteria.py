"""What every criterion promises, and values by hand."""

import math
from itertools import pairwise

import pytest
import torch

from prune.criteria import of_masks
from prune.masking.binarize import cut_for_density
from prune.runtime import registry

CRITERIA = {name: registry.module("criteria", name).CRITERION for name in of_masks()}
BY_DENSITY = {name: criterion for name, criterion in CRITERIA.items() if criterion.setting == "density"}
every = pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
by_density = pytest.mark.parametrize("criterion", BY_DENSITY.values(), ids=BY_DENSITY)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def scores_of(size=40):
    return torch.rand(4, size // 4, generator=seeded(0))


def test_the_criteria_of_the_design_are_found():
    assert {"magnitude", "movement", "soft_movement", "l0", "random"} <= set(CRITERIA)


@every
def test_setting_is_one_that_the_schedule_moves(criterion):
    assert criterion.setting in {"density", "threshold", "penalty"}


@every
def test_initial_scores_have_the_asked_shape_and_follow_from_the_seed(criterion):
    first, second = (criterion.initial((2, 3, 5), seeded(7)) for _ in range(2))
    assert first.shape == (2, 3, 5)
    assert first.equal(second)


@every
@pytest.mark.parametrize("training", [True, False])
def test_mask_has_the_shape_of_the_scores_and_lies_in_0_to_1(criterion, training):
    mask = criterion.mask(scores_of(), cut_for_density(criterion.rank(scores_of()), 0.5), training)
    assert mask.shape == scores_of().shape
    assert 0 <= mask.min() < mask.max() <= 1


@every
def test_mask_is_fixed_in_evaluation(criterion):
    first, second = (criterion.mask(scores_of(), 0.5, False) for _ in range(2))
    assert first.equal(second)


@every
def test_mask_of_training_follows_from_the_seed(criterion):
    masks = []
    for _ in range(2):
        torch.manual_seed(3)
        masks.append(criterion.mask(scores_of(), 0.5, True))
    assert masks[0].equal(masks[1])


@every
def test_rank_rises_with_the_score(criterion):
    ranks = criterion.rank(torch.linspace(-2, 2, 9))
    assert (ranks.diff() > 0).all()


@every
def test_penalty_is_a_mean_that_falls_with_the_scores_unless_density_decides(criterion):
    low, high = (criterion.penalty(torch.full((3, 4), value)) for value in (-1.0, 1.0))
    assert (low is None) == (criterion.setting == "density")
    assert low is None or 0 < low < high < 1


@every
@pytest.mark.parametrize("training", [True, False])
def test_gradient_reaches_scores_if_and_only_if_they_are_learned(criterion, training, make_bert, mask, ids):
    name = next(name for name, other in CRITERIA.items() if other is criterion)
    model = make_bert().train(training)
    masks = mask(model, name, "block")
    torch.manual_seed(0)
    model(input_ids=ids).logits.pow(2).sum().backward()
    assert (not list(masks.parameters())) == criterion.from_weights
    for scores in masks.parameters():
        assert (scores.grad is not None) == criterion.learned
        assert scores.grad is None or scores.grad.abs().sum() > 0


@by_density
@pytest.mark.parametrize("density", [0.9, 0.5, 0.1, 0.001])
def test_every_pruned_score_is_below_every_kept_one(criterion, density):
    kept = criterion.mask(scores_of(), cut_for_density(criterion.rank(scores_of()), density), True) == 1
    assert kept.sum() == max(1, round(40 * density))
    assert scores_of()[~kept].max() < scores_of()[kept].min()


@by_density
def test_a_lower_density_keeps_a_subset(criterion):
    ranks = criterion.rank(scores_of())
    masks = [criterion.mask(scores_of(), cut_for_density(ranks, tenths / 10), False) for tenths in range(1, 11)]
    for lower, higher in pairwise(masks):
        assert (lower <= higher).all()
        assert lower.sum() < higher.sum()


@pytest.mark.parametrize("name", ["movement", "soft_movement"])
def test_movement_scores_start_at_zero(name):
    assert CRITERIA[name].initial((4, 4), seeded(0)).eq(0).all()


def test_soft_movement_keeps_what_is_strictly_above_the_threshold():
    scores = torch.tensor([-3.0, -2.2, -2.19, 0.0, 1.0])  # sigmoid: 0.047, 0.0998, 0.1007, 0.5, 0.73
    soft = CRITERIA["soft_movement"]
    assert soft.mask(scores, 0.1, True).tolist() == [0, 0, 1, 1, 1]
    assert soft.mask(scores, 0.5, True).tolist() == [0, 0, 0, 0, 1]


def test_soft_movement_penalty_is_the_mean_sigmoid():
    scores = torch.tensor([0.0, math.log(3), -math.log(3), math.log(4)])  # sigmoid: 0.5, 0.75, 0.25, 0.8
    assert CRITERIA["soft_movement"].penalty(scores).item() == pytest.approx(2.3 / 4)


def test_l0_gates_in_evaluation():
    scores = torch.tensor([0.0, math.log(3), math.log(9), -math.log(9), -2.5, 2.5])
    expected = [0.5, 0.8, 0.98, 0.02, 0.0, 1.0]  # sigmoid x 1.2 - 0.1, cut to 0 ... 1
    assert CRITERIA["l0"].mask(scores, 0.0, False).tolist() == pytest.approx(expected, abs=1e-6)


def test_l0_gates_are_nine_tenths_at_the_start():
    initial = CRITERIA["l0"].initial((2,), seeded(0))
    assert torch.sigmoid(initial).tolist() == pytest.approx([0.9, 0.9], abs=1e-4)


def test_l0_penalty_by_hand():
    penalty = CRITERIA["l0"].penalty(torch.zeros(3))
    assert penalty.item() == pytest.approx(1 / (1 + 11 ** (-2 / 3)))  # sigmoid(0 - 2/3 log(0.1 / 1.1))


@pytest.mark.parametrize("score", [-2.0, 0.0, 1.5])
def test_l0_penalty_is_the_chance_of_an_open_gate(score):
    torch.manual_seed(0)
    scores = torch.full((40_000,), score)
    opened = (CRITERIA["l0"].mask(scores, 0.0, True) > 0).float().mean()
    assert opened.item() == pytest.approx(CRITERIA["l0"].penalty(scores).item(), abs=0.01)


def test_l0_gates_differ_from_step_to_step_in_training():
    first, second = (CRITERIA["l0"].mask(torch.zeros(20), 0.0, True) for _ in range(2))
    assert not first.equal(second)


def test_random_differs_between_seeds():
    first, second = (CRITERIA["random"].initial((20,), seeded(seed)) for seed in (1, 2))
    assert not first.equal(second)


def test_random_draws_each_matrix_anew():
    generator = seeded(0)
    first, second = (CRITERIA["random"].initial((20,), generator) for _ in range(2))
    assert not first.equal(second)
