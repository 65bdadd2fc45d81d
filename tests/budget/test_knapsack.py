"""The choice is the best there is, within the budget: held against all combinations."""

import itertools

import numpy as np
import pytest
import torch

from prune.budget.knapsack import best_units, choose, knapsack, options
from prune.models.sublayers import Matrix, Sublayer


def sublayer(name, num_units, site="feed_forward"):
    return Sublayer(name, site, (Matrix("up", num_units, 4, 0), Matrix("down", 4, num_units, 1)), {})


def best_of_all(losses, costs, budget):
    found = [
        (sum(group[option] for group, option in zip(losses, chosen, strict=True)), chosen)
        for chosen in itertools.product(*(range(len(group)) for group in losses))
        if sum(group[option] for group, option in zip(costs, chosen, strict=True)) <= budget
    ]
    return min(found)[0] if found else None


def test_without_a_budget_only_what_costs_nothing_is_taken():
    losses, costs = [np.array([0.0, 1.0, 2.0])], [np.array([300.0, 1e-3, 0.0])]
    assert knapsack(losses, costs, 0.0) == [2]
    with pytest.raises(ValueError, match="exceed the budget"):
        knapsack(losses, [np.array([300.0, 1e-3, 1e-3])], 0.0)


def test_the_cheapest_options_are_within_a_budget_of_just_their_cost():
    """Whatever 4,096 parts of it would make of them, rounded up."""
    losses, costs = [np.array([0.0, 1.0])] * 3, [np.array([9.0, 1.0]), np.array([9.0, 1 / 3]), np.array([9.0, 1 / 7])]
    assert knapsack(losses, costs, 1 + 1 / 3 + 1 / 7) == [1, 1, 1]


@pytest.mark.parametrize("seed", range(20))
def test_no_combination_within_the_budget_loses_less(seed):
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 6, size=4)
    losses = [np.sort(random.random(size))[::-1] for size in sizes]
    costs = [np.sort(random.integers(0, 20, size)).astype(float) for size in sizes]
    budget = float(random.integers(8, 64))  # divides 4,096 or not: costs are rounded up, so leave a little room
    wanted = best_of_all(losses, costs, budget * (1 - 4 / 4096))
    if best_of_all(losses, costs, budget) is None:
        with pytest.raises(ValueError, match="exceed the budget"):
            knapsack(losses, costs, budget)
    elif wanted is not None:
        taken = knapsack(losses, costs, budget)
        assert sum(group[index] for group, index in zip(costs, taken, strict=True)) <= budget
        assert sum(group[index] for group, index in zip(losses, taken, strict=True)) <= wanted + 1e-12


def test_the_best_units_stay_in_their_order():
    assert best_units(torch.tensor([0.5, 3.0, 1.0, 2.0]), 2) == (1, 3)
    assert best_units(torch.tensor([1.0, 1.0, 1.0]), 2) == (0, 1)
    assert best_units(torch.tensor([1.0]), 0) == ()


def test_importance_decides_between_sublayers():
    one, other = sublayer("one", 3), sublayer("other", 3)
    importance = {"one": torch.tensor([9.0, 1.0, 8.0]), "other": torch.tensor([2.0, 7.0, 3.0])}
    kept = choose([one, other], importance, lambda _, units: float(units), 3.01)  # costs are rounded up
    assert kept == {"one": (0, 2), "other": (1,)}


def test_what_costs_less_may_stay_instead_of_what_matters_more():
    cheap, dear = sublayer("cheap", 2), sublayer("dear", 2)
    importance = {"cheap": torch.tensor([2.0, 2.0]), "dear": torch.tensor([3.0, 0.0])}
    kept = choose([cheap, dear], importance, lambda s, units: units * (2.0 if s.name == "dear" else 1.0), 2.01)
    assert kept == {"cheap": (0, 1), "dear": ()}


def test_units_that_must_stay_do():
    one, other = sublayer("one", 2), sublayer("other", 2)
    importance = {"one": torch.full((2,), torch.inf), "other": torch.tensor([5.0, 6.0])}
    assert choose([one, other], importance, lambda _, units: float(units), 3.01) == {"one": (0, 1), "other": (1,)}


def test_any_number_of_heads_and_some_sixty_widths_are_tried():
    assert options(sublayer("heads", 12, "attention")) == list(range(13))
    assert options(sublayer("few", 10)) == list(range(11))
    assert options(sublayer("many", 3072)) == list(range(0, 3073, 48))
    assert options(sublayer("odd", 130))[-2:] == [128, 130]
