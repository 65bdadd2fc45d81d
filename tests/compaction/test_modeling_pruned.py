"""The file that travels with a pruned model: a bias that layers share, layers without heads."""

import pytest
import torch

from prune.compaction.modeling_pruned import take_shape
from prune.compaction.structure import Structure
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, inputs

T5 = ARCHITECTURES["t5"]
FIRST, SECOND = (f"encoder.block.{index}.layer.0.SelfAttention" for index in range(2))


def compacted(kept, seed=0):
    """T5 models with the lost heads zeroed, and removed."""
    zeroed, model = T5.model(seed), T5.model(seed)
    sublayers = sublayers_of(model)
    whole = {s.name: tuple(range(s.num_units)) for s in sublayers}
    for sublayer in sublayers:
        weight = sublayer.matrices[-1].weight(zeroed)
        gone = sorted(set(whole[sublayer.name]) - set(kept.get(sublayer.name, whole[sublayer.name])))
        weight.data.view(len(weight), sublayer.num_units, -1)[:, gone] = 0
    Structure("t5", whole | kept).apply(model, sublayers)
    return zeroed, model


def bias_in(model, attention):
    """The bias with which an attention of `model` computes, and the one that it hands on."""
    seen = {}
    module = model.get_submodule(attention)
    module.register_forward_hook(lambda _m, _args, outputs: seen.update(on=outputs[1]))
    module.register_forward_pre_hook(
        lambda _m, _args, kwargs: seen.update(own=kwargs["position_bias"]), with_kwargs=True
    )
    with torch.no_grad():
        model(**inputs(T5))
    return seen["own"], seen["on"]


def test_each_layer_takes_its_heads_part_and_hands_on_the_whole():
    zeroed, model = compacted({"encoder.block.0.attention": (1, 3), "encoder.block.1.attention": (0,)})
    _, whole = bias_in(zeroed, FIRST)
    own, on = bias_in(model, FIRST)
    assert own.equal(whole[:, [1, 3]])
    assert on.equal(whole)
    own, on = bias_in(model, SECOND)
    assert own.equal(whole[:, [0]])
    assert on.equal(whole)


def test_without_a_table_nothing_is_computed():
    _, model = compacted({"decoder.block.0.cross_attention": (2,), "decoder.block.1.cross_attention": (0, 3)})
    for index in range(2):
        assert bias_in(model, f"decoder.block.{index}.layer.1.EncDecAttention") == (None, None)


@pytest.mark.parametrize("first", [(), (1,), (0, 1, 2, 3)])
def test_the_table_stays_whole_and_gets_the_same_gradient(first):
    zeroed, model = compacted({"encoder.block.0.attention": first, "encoder.block.1.attention": (0, 2)})
    for one in (zeroed, model):
        one(**inputs(T5)).logits.pow(2).mean().backward()
    expected, found = (one.get_submodule(FIRST).relative_attention_bias.weight.grad for one in (zeroed, model))
    assert found.shape == (8, 4)
    assert found.abs().max() > 0
    torch.testing.assert_close(found, expected)


def test_nothing_is_saved_but_smaller_weights():
    zeroed, model = compacted({"encoder.block.0.attention": (1, 3)})
    assert set(model.state_dict()) == set(zeroed.state_dict())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoder.layer.0.attention.self.forward", 3),
        ("encoder.layer.0.attention.self.training", 3),
        ("encoder.layer.0.attention.self.query", 3),
        ("encoder.layer.0.attention.self.stranger", 3),
        ("encoder.layer.0.attention.self.__class__", 3),
        ("encoder.layer.0.attention.self.num_attention_heads", "3"),
        ("encoder.layer.0.attention.self.num_attention_heads", True),
        ("encoder.layer.0.attention.self.num_attention_heads", None),
        ("config", 3),
    ],
)
def test_a_shape_sets_numbers_that_the_model_counts_with_and_nothing_else(name, value):
    base = ARCHITECTURES["bert"].model().base_model
    with pytest.raises(ValueError, match="is no count of the model"):
        take_shape(base, [{"counts": {name: value}}])
