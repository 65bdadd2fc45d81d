import pytest
import torch

from prune.masking.binarize import cut_for_density, straight_through

SCORES = torch.tensor([[7.0, 1.0, 9.0, 3.0, 5.0], [2.0, 8.0, 4.0, 10.0, 6.0]])


@pytest.mark.parametrize(
    ("density", "cut"), [(1.0, 1.0), (0.9, 2.0), (0.5, 6.0), (0.3, 8.0), (0.1, 10.0), (1e-9, 10.0)]
)
def test_cut_is_the_lowest_kept_score(density, cut):
    assert cut_for_density(SCORES, density) == cut


@pytest.mark.parametrize("number", range(1, 41))
def test_exactly_the_asked_number_is_kept(number):
    scores = torch.randperm(40).float()
    assert (scores >= cut_for_density(scores, number / 40)).sum() == number


def test_scores_that_tie_with_the_cut_are_kept():
    scores = torch.tensor([1.0, 2.0, 2.0, 3.0])
    assert cut_for_density(scores, 0.5) == 2.0


def test_one_score_is_kept_at_any_density():
    assert cut_for_density(torch.tensor([4.0]), 0.01) == 4.0


def test_cut_has_no_gradient():
    assert not cut_for_density(SCORES.clone().requires_grad_(), 0.5).requires_grad


def test_straight_through_passes_the_gradient_of_kept_and_removed_alike():
    scores = torch.tensor([-1.0, 2.0, 3.0], requires_grad=True)
    mask = straight_through(scores, torch.tensor([1.0, 2.0, 1.5]), 2.0)
    (mask * torch.tensor([5.0, 6.0, 7.0])).sum().backward()
    assert mask.tolist() == [0.0, 1.0, 0.0]
    assert scores.grad.tolist() == [5.0, 6.0, 7.0]
