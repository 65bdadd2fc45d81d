"""The compute of trainings: step by step, and how many steps a budget of it allows, by hand."""

import numpy as np
import pytest

from prune.errors import UserError
from prune.measure.compute import Cost, step_cost
from prune.training.compute import Compute, flops_of_pass
from prune.training.sampler import LengthGrouped

TOKENS = Cost(np.array([0.0, 0.0, 1.0, 0.0]))
"""One operation for each token, padding included."""
LENGTHS = [3, 9, 4, 7, 5, 6, 3, 8, 2, 5]


def compute(cost=TOKENS, batch_size=4, lengths=LENGTHS):
    return Compute(cost, (lengths,), batch_size, seed=1)


def by_hand(steps, batch_size=4):
    """Of each of the first steps, the size of its batch times its longest input."""
    sampler, found = LengthGrouped(batch_size, LENGTHS, 1), []
    while len(found) < steps:
        order = list(sampler)
        batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        found += [len(batch) * max(LENGTHS[row] for row in batch) for batch in batches]
        sampler.epoch += 1
    return found[:steps]


@pytest.mark.parametrize("steps", [0, 1, 3, 4, 11])
def test_of_so_many_steps_by_hand(steps):
    assert compute().until(steps) == sum(by_hand(steps))


@pytest.mark.parametrize("steps", [2, 3, 7, 30])
def test_a_budget_allows_the_steps_that_take_no_more(steps):
    exactly = sum(by_hand(steps))
    assert compute().steps_within(exactly) == steps
    assert compute().steps_within(exactly - 1) == steps - 1
    assert compute().steps_within(exactly + 1) == steps


def test_a_budget_without_a_step_and_one_without_an_end_are_refused():
    with pytest.raises(UserError, match=r"schedule\.budget_flops=1: the first step .* takes \d+; allow more"):
        compute().steps_within(1)
    with pytest.raises(UserError, match=r"schedule\.budget_flops=1e\+25: .* more than 10,000 epochs"):
        compute().steps_within(1e25)


def test_a_pass_takes_inputs_of_similar_length_together():
    assert flops_of_pass(TOKENS, (LENGTHS,), 4) == 4 * 9 + 4 * 5 + 2 * 3


def test_models_of_two_sizes_have_equal_compute_within_a_step(make_bert):
    budget, lengths = 3e8, [3 + number % 9 for number in range(50)]
    for layers in (1, 3):
        one = compute(step_cost(make_bert(num_hidden_layers=layers)), lengths=lengths)
        steps = one.steps_within(budget)
        assert steps > 10
        assert one.until(steps) <= budget < one.until(steps + 1)
