"""Sublayers of models whose shapes are known, by hand."""

import pytest
from transformers import AutoConfig

from prune.compaction.structure import Structure
from prune.measure.size import num_left, num_parameters
from prune.models.architecture import skeleton, sublayers_of
from tests.architectures import ARCHITECTURES

ENCODER = 4 * 16 * 8 + 2 * 16 * 12, 3 * 8 + 12
"""Weights that are left in a layer with half of its heads and dimensions, and biases of query, key, value and of the
inner layer that go with the other half."""
LAYERS = {
    # Number of layers, weights, biases: of the encoder, then of the decoder.
    "albert": ((2, *ENCODER),),
    "mobilebert": ((3, 3 * 16 * 8 + 20 * 8 + 3 * 2 * 16 * 12, 3 * 8 + 3 * 12),),
    "modernbert": ((3, 4 * 16 * 8 + 3 * 16 * 12, 0),),
    "bart": ((2, *ENCODER), (3, 2 * 4 * 16 * 8 + 2 * 16 * 10, 2 * 3 * 8 + 10)),
    "t5": ((3, 4 * 16 * 16 + 2 * 16 * 12, 0), (2, 2 * 4 * 16 * 16 + 2 * 16 * 12, 0)),
    "t5_gated": ((3, 4 * 16 * 16 + 3 * 16 * 12, 0), (2, 2 * 4 * 16 * 16 + 3 * 16 * 12, 0)),
}
FOLLOWING = {"deberta_v2_positions": 3 * 2 * (16 * 8 + 8)}
"""Parameters that go with the heads, and are not prunable by themselves."""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_numbers_of_weights_and_parameters_by_hand(name):
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    sublayers, dense = sublayers_of(model), num_parameters(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) for s in sublayers}
    Structure(architecture.family, kept).apply(model.base_model, sublayers)
    stacks = LAYERS.get(name, ((3, *ENCODER),))
    left = sum(count * weights for count, weights, _ in stacks)
    biases = sum(count * biases for count, _, biases in stacks)
    assert num_left(model.base_model, sublayers) == left
    # The half that went is as large as the half that stays.
    assert dense - num_parameters(model) == left + biases + FOLLOWING.get(name, 0)


def described(model_type, **shape):
    return sublayers_of(skeleton(AutoConfig.for_model(model_type, **shape)))


def test_bert_base_by_hand():
    sublayers = described("bert")
    assert [(s.site, s.num_units, s.output.unit_size) for s in sublayers[:2]] == [
        ("attention", 12, 64),
        ("feed_forward", 3072, 1),
    ]
    assert sublayers[-1].matrices[-1].module == "encoder.layer.11.output.dense"
    assert sum(m.rows * m.columns for s in sublayers for m in s.matrices) == 84_934_656


def test_t5_small_by_hand():
    sublayers = described("t5", d_model=512, d_kv=64, d_ff=2048, num_heads=8, num_layers=6)
    assert [s.name for s in sublayers[-3:]] == [
        f"decoder.block.5.{name}" for name in ("self_attention", "cross_attention", "feed_forward")
    ]
    assert sum(m.rows * m.columns for s in sublayers for m in s.matrices) == 44_040_192


def test_the_size_of_a_head_may_be_any():
    shape = {"d_model": 512, "d_kv": 64, "d_ff": 1024, "num_heads": 6, "num_layers": 8, "num_decoder_layers": 2}
    sublayers = described("t5", **shape, feed_forward_proj="gated-gelu")  # t5-v1_1-small
    assert len(sublayers) == 8 * 2 + 2 * 3
    assert (sublayers[0].num_units, sublayers[0].output.unit_size, sublayers[0].matrices[0].rows) == (6, 64, 384)
    assert [m.module for m in sublayers[1].matrices] == [
        f"encoder.block.0.layer.1.DenseReluDense.{name}" for name in ("wi_0", "wi_1", "wo")
    ]


def test_modernbert_base_by_hand():
    sublayers = described("modernbert")
    assert [(s.num_units, s.output.unit_size) for s in sublayers[:2]] == [(12, 64), (1152, 1)]
    assert [(m.module, m.part, m.rows, m.columns) for m in sublayers[0].matrices] == [
        *(("layers.0.attn.Wqkv", part, 768, 768) for part in range(3)),
        ("layers.0.attn.Wo", 0, 768, 768),
    ]
    assert [(m.module, m.part, m.rows) for m in sublayers[1].matrices[:2]] == [
        ("layers.0.mlp.Wi", part, 1152) for part in range(2)
    ]


def test_gpt2_by_hand():
    sublayers = described("gpt2")
    assert len(sublayers) == 24
    assert [(m.part, m.rows, m.columns) for m in sublayers[0].matrices] == [
        *((part, 768, 768) for part in range(3)),
        (0, 768, 768),
    ]
    assert [(m.rows, m.columns) for m in sublayers[1].matrices] == [(3072, 768), (768, 3072)]
