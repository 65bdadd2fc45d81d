"""Layer dropping leaves the layers that it says, of every family that knows how deep it is."""

import pytest
import torch
from torch import nn

from prune.compaction.depth import Depth, depth_of, shallower, shallower_config
from prune.models.architecture import family_of, skeleton, sublayers_of
from tests.architectures import ARCHITECTURES, inputs

DEEP = [name for name in ARCHITECTURES if name != "albert"]


@pytest.mark.parametrize(
    ("layers", "share", "kept"),
    [
        (6, 0.67, (0, 1, 3, 5)),
        (12, 0.5, (0, 2, 4, 6, 8, 11)),
        (12, 0.67, (0, 1, 3, 4, 6, 7, 9, 11)),
        (4, 0.5, (0, 3)),
        (4, 0.1, (0,)),
    ],
)
def test_the_layers_that_stay_are_spread_evenly(make_bert, layers, share, kept):
    assert depth_of(make_bert(num_hidden_layers=layers).config, share).kept == {"encoder.layer.*": kept}


def test_nothing_is_named_where_all_layers_stay(make_bert):
    assert depth_of(make_bert().config, 1.0) == Depth()


@pytest.mark.parametrize("name", DEEP)
def test_a_shallower_model_is_the_dense_one_without_those_layers(name):
    architecture = ARCHITECTURES[name]
    dense, batch = architecture.model(use_cache=False), inputs(architecture)
    depth = depth_of(dense.config, 0.5)
    assert depth.kept
    model = shallower(dense, depth).eval()
    for stack, kept in depth.kept.items():
        layers = dense.base_model.get_submodule(stack.removesuffix(".*"))
        dense.base_model.set_submodule(stack.removesuffix(".*"), nn.ModuleList(layers[number] for number in kept))
    for key in (key for stack in family_of(model.config).stacks for key in (stack.depth, stack.kinds) if key):
        setattr(dense.config, key, getattr(model.config, key))
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, dense(**batch).logits)


@pytest.mark.parametrize("name", DEEP)
def test_the_dense_model_is_known_from_the_shallower_one(name):
    dense = ARCHITECTURES[name].model()
    depth = depth_of(dense.config, 0.5)
    config = shallower_config(dense.config, depth)
    assert depth.dense_config(config).to_dict() == dense.config.to_dict()
    all_names = {s.name for s in sublayers_of(dense)}
    names = [depth.dense_name(s.name) for s in sublayers_of(skeleton(config))]
    assert len(set(names)) == len(names) < len(all_names)
    assert set(names) < all_names


def test_layers_that_are_passed_several_times_cannot_be_left_out():
    assert depth_of(ARCHITECTURES["albert"].model().config, 0.5) == Depth()
