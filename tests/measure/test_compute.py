"""Compute: of a BERT by hand; of every architecture as it is counted for inputs of other lengths."""

import numpy as np
import pytest
import torch

from prune.measure.compute import Cost, forward_cost, reads_labels, step_cost
from prune.measure.speed import multiply_adds
from tests.architectures import ARCHITECTURES


def test_of_a_bert_by_hand(make_bert):
    model = make_bert()
    config, layers = model.config, model.config.num_hidden_layers
    width, inner, labels = config.hidden_size, config.intermediate_size, config.num_labels
    size, length = 5, 11
    per_token = layers * (4 * width * width + 2 * width * inner)
    attention = layers * 2 * length * length * width
    head = width * width + width * labels
    expected = size * (length * per_token + attention + head)
    (forward,), (step,) = (cost(model).of([size], [length]) for cost in (forward_cost, step_cost))
    assert forward == 2 * expected
    assert step == 3 * forward


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_few_counts_tell_those_of_all_lengths(name):
    model = ARCHITECTURES[name].model()
    last = getattr(model.config, "eos_token_id", None) or 1
    inputs = {"input_ids": torch.full((3, 13), min(last, model.config.vocab_size - 1))}
    lengths = [[13]]
    if reads_labels(model):
        inputs["decoder_input_ids"] = torch.full((3, 7), 2)
        lengths.append([7])
    inputs["attention_mask"] = torch.ones(3, 13).long()
    assert forward_cost(model).of([3], *lengths)[0] == 2 * multiply_adds(model, inputs)


def test_to_count_draws_nothing_and_leaves_the_mode(make_bert):
    model = make_bert().train()
    before = torch.get_rng_state()
    step_cost(model)
    assert model.training
    assert torch.equal(before, torch.get_rng_state())


def test_costs_are_added():
    one, two = Cost(np.array([1.0, 2.0, 3.0, 4.0])), Cost(np.array([4.0, 3.0, 2.0, 1.0]))
    assert (one + two).of([2], [3])[0] == 5 + 2 * (5 + 5 * 3 + 5 * 9)
