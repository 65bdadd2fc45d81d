"""Outputs of a model over a data set."""

import numpy as np
import pytest
import torch
from transformers import BertForQuestionAnswering

from prune.data.inference import outputs_of


def pad(rows):
    longest = max(len(row["input_ids"]) for row in rows)
    filled = {name: [row[name] + [0] * (longest - len(row[name])) for row in rows] for name in rows[0]}
    return {name: torch.tensor(values) for name, values in filled.items()}


@pytest.mark.parametrize("size", [1, 3, 10])
def test_outputs_come_in_the_order_of_the_rows(make_bert, features, size):
    model = make_bert()
    found = outputs_of(model, features, ("logits",), pad, size)["logits"]
    with torch.no_grad():
        alone = [model(input_ids=torch.tensor([ids])).logits[0].numpy() for ids in features["input_ids"]]
    np.testing.assert_allclose(found, np.stack(alone), atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_outputs_per_token_are_as_long_as_their_inputs(make_bert, features, size):
    torch.manual_seed(0)
    model = BertForQuestionAnswering(make_bert().config).eval()
    names = ("start_logits", "end_logits")
    found = outputs_of(model, features, names, pad, size, per_token=True)
    assert [len(values) for values in found["end_logits"]] == [5, 3, 9, 4]
    for place, ids in enumerate(features["input_ids"]):
        with torch.no_grad():
            alone = model(input_ids=torch.tensor([ids]))
        for name in names:
            np.testing.assert_allclose(found[name][place], alone[name][0].numpy(), atol=1e-5)


def test_outputs_are_those_of_evaluation_and_the_mode_is_given_back(make_bert, features):
    model = make_bert(hidden_dropout_prob=0.5).train()
    first, second = (outputs_of(model, features, ("logits",), pad, 2)["logits"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert model.training
