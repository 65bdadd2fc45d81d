"""Measurements: sizes and multiply-adds by hand, lengths, and times that belong together."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertForQuestionAnswering

from prune import models
from prune.anatomy import sublayers_of
from prune.config import SpeedConfig
from prune.measure.environment import environment
from prune.measure.generation import measure_generation
from prune.measure.quality import outputs_of
from prune.measure.size import bytes_on_disk, num_left, num_nonzero, num_parameters, num_prunable
from prune.measure.speed import doubt, measure_speed, multiply_adds, speed_device, time_pairs, typical_length
from prune.shrink.structure import Structure
from tests.architectures import ARCHITECTURES, VOCABULARY

H, LAYERS, F, V, P = 16, 2, 24, 50, 32  # as tests/conftest.py: width, layers, inner width, words, positions
LABELS = 2
LENGTH = 7


def half(sublayers, site):
    """A structure that keeps every second unit of one site and all of the other."""
    kept = {s.name: tuple(range(0, s.num_units, 2 if s.site == site else 1)) for s in sublayers}
    return Structure("bert", kept)


def batch(size=1, length=LENGTH):
    return {"input_ids": torch.arange(size * length).view(size, length) % V}


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


@pytest.mark.parametrize("name", WRITERS)
def test_a_decoder_is_timed_too(name, features, tokenizer):
    dense, model = (ARCHITECTURES[name].model() for _ in range(2))
    sublayers = sublayers_of(model)
    half(sublayers, "feed_forward").apply(model.base_model, sublayers)
    (speed,) = measure_speed(dense, model, features, tokenizer, SpeedConfig([2], length=8, device="cpu", pairs=2))
    assert 1 < speed.speedup_theoretical < 2


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([8] * 10, 8), ([9] * 10, 16), ([1], 8), (list(range(1, 101)), 96), ([5] * 99 + [500], 8), ([16] * 3, 16)],
)
def test_the_typical_length_by_hand(lengths, expected):
    assert typical_length(Dataset.from_dict({"length": lengths})) == expected


@pytest.fixture(scope="module")
def tokenizer():
    return models.tokenizer("pkg://demo/model")


@pytest.fixture
def features():
    ids = [list(range(2, 2 + n)) for n in (5, 3, 9, 4)]
    masks = [[1] * len(one) for one in ids]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": masks, "length": [len(one) for one in ids]})


def test_measured_speeds_belong_together(make_bert, sublayers, features, tokenizer):
    dense, model = make_bert(), make_bert()
    half(sublayers(model), "feed_forward").apply(model.base_model, sublayers(model))
    found = measure_speed(dense, model, features, tokenizer, SpeedConfig([1, 6], length=8, device="cpu", pairs=9))
    assert [(speed.batch_size, speed.length) for speed in found] == [(1, 8), (6, 8)]
    for speed in found:
        first, third = speed.speedup_quartiles
        assert 0 < first <= speed.speedup <= third
        assert speed.dense_ms > 0 < speed.model_ms
        assert speed.speedup_theoretical == pytest.approx(
            multiply_adds(dense, batch(1, 8)) / multiply_adds(model, batch(1, 8))
        )


def test_the_speedup_is_the_median_of_the_paired_ratios(make_bert, features, tokenizer, monkeypatch):
    times = iter([(9.0, 1.0)] * 3 + [(2.0, 1.0), (6.0, 2.0), (40.0, 10.0)])  # three warm-up pairs, then three
    flat = (time / 1e3 for pair in times for time in pair)
    monkeypatch.setattr("prune.measure.speed.seconds", lambda *_: next(flat))
    config = SpeedConfig([1], length=8, device="cpu", pairs=3)
    (speed,) = measure_speed(make_bert(), make_bert(), features, tokenizer, config)
    assert (speed.speedup, speed.dense_ms, speed.model_ms) == pytest.approx((3.0, 6.0, 2.0))
    assert speed.speedup_quartiles == pytest.approx((2.0, 4.0))


@pytest.mark.parametrize(
    ("ratios", "pairs"),
    [((2.0,), 8), ((1.98, 2.0, 2.02), 8), ((1.96, 2.0, 2.04), 16), ((1.0, 3.0), 32)],
    ids=["equal", "sure", "sure after twice as many", "never sure"],
)
def test_a_ratio_is_measured_until_it_is_sure(ratios, pairs, monkeypatch):
    """Two percent more and less in a third of the pairs each: unsure by 1.2 % after 8 pairs, by 0.9 % after 16."""
    calls = []

    def seconds(_, call):
        number = len(calls)
        calls.append(call)
        return ratios[(number // 2) % len(ratios)] if number % 2 == 0 else 1.0

    monkeypatch.setattr("prune.measure.speed.seconds", seconds)
    time_pairs(None, None, batch(1, 8), torch.device("cpu"), 8, promised=1.0, most=32)
    assert len(calls) / 2 - 3 == pairs  # three more to warm up


def test_the_doubt_of_a_median_by_hand():
    """Quartiles of 1, 2, 3: 1 and 3, which are 1.349 standard deviations apart in a normal distribution."""
    assert doubt([1.0, 2.0, 3.0]) == pytest.approx(1.2533 / 3**0.5 * (2 / 1.349) / 2, rel=1e-3)
    assert doubt([5.0] * 4) == 0.0


@pytest.fixture
def writers(monkeypatch):
    """A dense and a pruned stub, what they are called with, and times in seconds: a warm-up pair, then three."""
    times, calls = iter([900.0, 1.0, 2.0, 1.0, 6.0, 2.0, 40.0, 10.0]), []

    def stub(name):
        return SimpleNamespace(device=torch.device("cpu"), generate=lambda **given: calls.append((name, given)))

    def seconds(_, call):
        call()
        return next(times)

    monkeypatch.setattr("prune.measure.generation.seconds", seconds)
    return stub("dense"), stub("pruned"), calls


def test_the_speed_of_generation_by_hand(writers):
    dense, model, _ = writers
    found = measure_generation(dense, model, batch(2), {}, 3, 3)
    assert (found.batch_size, found.length, found.generated) == (2, LENGTH, 3)
    # two texts of three tokens in medians of 6 and 2 seconds; ratios 2, 3 and 4
    assert (found.dense_tokens_per_second, found.model_tokens_per_second, found.speedup) == (1.0, 3.0, 3.0)


def test_generation_is_timed_in_turn_with_the_tasks_search_at_a_fixed_length(writers):
    dense, model, calls = writers
    inputs = batch(2)
    measure_generation(dense, model, inputs, {"num_beams": 6, "min_new_tokens": 56, "max_new_tokens": 142}, 9, 3)
    assert [name for name, _ in calls] == ["dense", "pruned"] * 4
    expected = {"input_ids": inputs["input_ids"], "num_beams": 6, "min_new_tokens": 9, "max_new_tokens": 9}
    assert all(given == expected for _, given in calls)


def test_without_a_length_the_typical_one_is_timed(make_bert, features, tokenizer):
    (speed,) = measure_speed(make_bert(), make_bert(), features, tokenizer, SpeedConfig([1], device="cpu", pairs=2))
    assert speed.length == 16


def test_the_device_by_name():
    assert speed_device("cpu").type == "cpu"
    assert speed_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


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


def test_the_environment_names_versions_and_hardware():
    found = environment()
    assert found["packages"]["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["cores"] >= 1
    assert found["processor"]
