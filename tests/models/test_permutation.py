"""Layers that change places."""

import pytest
import torch

from prune.errors import UserError
from prune.models.permutation import permute_layers
from tests.architectures import ARCHITECTURES


def layers_of(model):
    return {n: p.clone() for n, p in model.base_model.named_parameters() if ".layer." in n}


def test_each_layer_has_the_weights_of_another_and_nothing_else_changes(make_bert):
    model, before = make_bert(num_hidden_layers=4), make_bert(num_hidden_layers=4)
    places = permute_layers(model, torch.Generator().manual_seed(1))
    assert sorted(places) == sorted(places.values()) == [f"encoder.layer.{n}" for n in range(4)]
    assert all(layer != source for layer, source in places.items())
    start = "bert."
    for name, values in model.named_parameters():
        layer = next((one for one in places if name.startswith(f"{start}{one}.")), None)
        source = name.replace(f"{start}{layer}.", f"{start}{places[layer]}.") if layer else name
        assert torch.equal(values, before.get_parameter(source))


def test_another_seed_permutes_otherwise(make_bert):
    found = [permute_layers(make_bert(num_hidden_layers=6), torch.Generator().manual_seed(seed)) for seed in range(6)]
    assert len({tuple(places.values()) for places in found}) > 1


def test_layers_that_share_their_weights_cannot_change_places():
    with pytest.raises(UserError, match="layers_permuted: a albert has no two layers"):
        permute_layers(ARCHITECTURES["albert"].model(num_hidden_groups=1), torch.Generator())
