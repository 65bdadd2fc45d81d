"""Sizes and multiply-adds, by hand."""

import pytest
import torch

from prune.compaction.structure import Structure
from prune.measure.size import bytes_on_disk, num_left, num_nonzero, num_parameters, num_prunable
from prune.measure.speed import multiply_adds
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, VOCABULARY
from tests.measure.halved import LENGTH, batch, half

H, LAYERS, F, V, P = 16, 2, 24, 50, 32  # as tests/conftest.py: width, layers, inner width, words, positions
LABELS = 2


def by_hand(heads_share=1.0, inner_share=1.0):
    """Multiply-adds of one input: projections, scores and mixing, feed-forward; then pooler and classifier."""
    attention = 4 * LENGTH * H * H + 2 * LENGTH * LENGTH * H
    feed_forward = 2 * LENGTH * H * F
    return LAYERS * (heads_share * attention + inner_share * feed_forward) + H * H + H * LABELS


def test_parameters_by_hand(make_bert):
    embeddings = (V + P + 2) * H + 2 * H
    layer = 4 * (H * H + H) + 2 * H + (H * F + F) + (F * H + H) + 2 * H
    assert num_parameters(make_bert()) == embeddings + LAYERS * layer + (H * H + H) + (H * LABELS + LABELS)


def test_a_shared_parameter_is_counted_once():
    one = torch.nn.Linear(3, 3, bias=False)
    assert num_parameters(torch.nn.Sequential(one, one)) == 9


def test_prunable_weights_by_hand(make_bert, sublayers):
    model = make_bert()
    expected = LAYERS * (4 * H * H + 2 * H * F)
    assert num_prunable(sublayers(model)) == expected
    assert num_left(model.base_model, sublayers(model)) == expected
    assert num_nonzero(model.base_model, sublayers(model)) == expected


def test_zeros_are_left_but_not_counted_as_weights(make_bert, sublayers):
    model = make_bert()
    with torch.no_grad():
        model.bert.encoder.layer[0].intermediate.dense.weight[:3] = 0
    everything = num_prunable(sublayers(model))
    assert num_nonzero(model.base_model, sublayers(model)) == everything - 3 * H
    assert num_left(model.base_model, sublayers(model)) == everything


@pytest.mark.parametrize(("site", "gone"), [("attention", 2 * H * H), ("feed_forward", H * F)])
def test_half_of_the_units_are_half_of_the_weights(make_bert, sublayers, site, gone):
    model = make_bert()
    half(sublayers(model), site).apply(model.base_model, sublayers(model))
    assert num_left(model.base_model, sublayers(model)) == num_prunable(sublayers(make_bert())) - LAYERS * gone


def test_bytes_are_those_of_the_weights_alone(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"x" * 10)
    (tmp_path / "b.safetensors").write_bytes(b"x" * 5)
    (tmp_path / "config.json").write_bytes(b"x" * 100)
    assert bytes_on_disk(tmp_path) == 15


def test_multiply_adds_by_hand(make_bert):
    assert multiply_adds(make_bert(), batch()) == by_hand()


def test_multiply_adds_grow_with_the_batch(make_bert):
    assert multiply_adds(make_bert(), batch(3)) == 3 * by_hand()


def test_half_of_the_heads_is_half_of_the_attention(make_bert, sublayers):
    model = make_bert()
    half(sublayers(model), "attention").apply(model.base_model, sublayers(model))
    assert multiply_adds(model, batch()) == by_hand(heads_share=0.5)


def test_half_of_the_dimensions_is_half_of_the_feed_forward(make_bert, sublayers):
    model = make_bert()
    half(sublayers(model), "feed_forward").apply(model.base_model, sublayers(model))
    assert multiply_adds(model, batch()) == by_hand(inner_share=0.5)


SOURCE, TARGET = 7, 5
WRITERS = {
    # Width, heads x their size in encoder and decoder, inner widths of both, matrices of a feed-forward layer.
    "bart": (16, 16, 16, 24, 20, 2),
    "t5": (16, 32, 32, 24, 24, 2),
    "t5_gated": (16, 32, 32, 24, 24, 3),
}


def writer_by_hand(name, share=1.0):
    """Multiply-adds of an encoder, a decoder, and the vocabulary's scores, where `share` of all units are kept."""
    width, encoder, decoder, encoder_inner, decoder_inner, matrices = WRITERS[name]
    reading = 4 * SOURCE * width * encoder + 2 * SOURCE * SOURCE * encoder + matrices * SOURCE * width * encoder_inner
    own = 4 * TARGET * width * decoder + 2 * TARGET * TARGET * decoder
    cross = 2 * TARGET * width * decoder + 2 * SOURCE * width * decoder + 2 * TARGET * SOURCE * decoder
    writing = own + cross + matrices * TARGET * width * decoder_inner
    layers = (2, 3) if name == "bart" else (3, 2)
    return share * (layers[0] * reading + layers[1] * writing) + TARGET * width * VOCABULARY


def writer_batch():
    ids = torch.arange(SOURCE).view(1, SOURCE) + 3
    return {"input_ids": ids, "decoder_input_ids": ids[:, :TARGET]}


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("name", WRITERS)
def test_multiply_adds_of_encoder_and_decoder_by_hand(name, share):
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(int(share * s.num_units))) for s in sublayers}
    Structure(architecture.family, kept).apply(model.base_model, sublayers)
    assert multiply_adds(model, writer_batch()) == writer_by_hand(name, share)
    prunable = num_prunable(sublayers)
    assert num_left(model.base_model, sublayers) == share * prunable


READERS = sorted(name for name, one in ARCHITECTURES.items() if not one.writes)
POSITIONS = 16
"""Relative positions of DeBERTa: two directions, eight each."""


def half_of_a_layer(name):
    """Multiply-adds of half of the heads (8 features of 16) and half of the dimensions (12 of 24)."""
    projections, products = 4 * LENGTH * 16 * 8, 2 * LENGTH * LENGTH * 8
    feed_forward = 2 * LENGTH * 16 * 12
    if name == "mobilebert":  # three feed-forward layers; values are projected from the wide residual stream of 20
        return projections + LENGTH * 4 * 8 + products + 3 * feed_forward
    if name == "modernbert":  # gated
        return projections + products + 1.5 * feed_forward
    if name.startswith("deberta"):  # positions are projected to keys and queries, each of which meets the tokens'
        return projections + products + 2 * (POSITIONS * 16 * 8 + LENGTH * POSITIONS * 8) + feed_forward
    return projections + products + feed_forward


@pytest.mark.parametrize("name", READERS)
def test_half_of_all_units_saves_as_many_multiply_adds_as_by_hand(name):
    dense, model = (ARCHITECTURES[name].model() for _ in range(2))
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) for s in sublayers}
    Structure(model.config.model_type, kept).apply(model.base_model, sublayers)
    inputs = {"input_ids": torch.arange(LENGTH).view(1, LENGTH) + 3}
    passes = 4 if name == "albert" else 3
    assert multiply_adds(dense, inputs) - multiply_adds(model, inputs) == passes * half_of_a_layer(name)
