"""What every family promises, on a tiny model of its architecture."""

import pytest
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from prune import discovery
from prune.families.bert import FAMILY as BERT
from prune.sublayers import SITES, sublayers_of

FAMILIES = discovery.names("families")
TINY = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 24, "vocab_size": 50}


@pytest.fixture(params=FAMILIES)
def family_and_model(request):
    """A family and a model of it."""
    model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(request.param, **TINY))
    return discovery.module("families", request.param).FAMILY, model


def test_bert_is_found():
    assert "bert" in FAMILIES


def test_config_holds_every_key_that_the_family_names(family_and_model):
    family, model = family_and_model
    assert family.keys() <= set(model.config.to_dict())


def test_every_matrix_is_a_linear_layer_of_the_stated_shape(family_and_model):
    family, model = family_and_model
    for matrix in (m for s in sublayers_of(family, model.config.to_dict()) for m in s.matrices):
        linear = model.base_model.get_submodule(matrix.module)
        assert isinstance(linear, nn.Linear)
        assert tuple(linear.weight.shape) == (matrix.rows, matrix.columns)


def test_every_linear_layer_of_the_stacks_is_prunable_once(family_and_model):
    family, model = family_and_model
    stacks = tuple(stack.layers for stack in family.stacks)
    modules = model.base_model.named_modules()
    linear = [name for name, module in modules if isinstance(module, nn.Linear) and name.startswith(stacks)]
    named = [m.module for s in sublayers_of(family, model.config.to_dict()) for m in s.matrices]
    assert sorted(named) == sorted(linear)


def test_units_lie_along_the_stated_axis(family_and_model):
    family, model = family_and_model
    for sublayer in sublayers_of(family, model.config.to_dict()):
        assert sublayer.site in SITES
        assert [m.unit_axis for m in sublayer.matrices] == [0] * (len(sublayer.matrices) - 1) + [1]
        for matrix in sublayer.matrices:
            assert (matrix.rows, matrix.columns)[matrix.unit_axis] == sublayer.num_units * sublayer.unit_size


def test_attributes_to_update_hold_the_dense_counts(family_and_model):
    family, model = family_and_model
    for sublayer in sublayers_of(family, model.config.to_dict()):
        for name, meaning in sublayer.counts.items():
            module, attribute = name.rsplit(".", 1)
            expected = {"units": sublayer.num_units, "width": sublayer.num_units * sublayer.unit_size}[meaning]
            assert getattr(model.base_model.get_submodule(module), attribute) == expected


def test_names_of_sublayers_differ(family_and_model):
    family, model = family_and_model
    names = [s.name for s in sublayers_of(family, model.config.to_dict())]
    assert len(set(names)) == len(names)


def test_a_missing_key_is_named():
    with pytest.raises(ValueError, match="lacks intermediate_size, num_attention_heads"):
        sublayers_of(BERT, {"hidden_size": 16, "num_hidden_layers": 2})


def test_bert_base_by_hand():
    shape = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    sublayers = sublayers_of(BERT, shape)
    assert [(s.site, s.num_units, s.unit_size) for s in sublayers[:2]] == [
        ("attention", 12, 64),
        ("feed_forward", 3072, 1),
    ]
    assert sublayers[-1].matrices[-1].module == "encoder.layer.11.output.dense"
    assert sum(m.rows * m.columns for s in sublayers for m in s.matrices) == 84_934_656
