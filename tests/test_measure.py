"""Measurements: sizes and multiply-adds by hand, lengths, and times that belong together."""

import numpy as np
import pytest
import torch
from datasets import Dataset

from prune import models
from prune.config import SpeedConfig
from prune.measure.environment import environment, peak_memory_bytes
from prune.measure.quality import outputs_of
from prune.measure.size import bytes_on_disk, num_left, num_nonzero, num_parameters, num_prunable
from prune.measure.speed import measure_speed, multiply_adds, speed_device, typical_length
from prune.shrink.structure import Structure

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
    flat = (time for pair in times for time in pair)
    monkeypatch.setattr("prune.measure.speed._milliseconds", lambda *_: next(flat))
    config = SpeedConfig([1], length=8, device="cpu", pairs=3)
    (speed,) = measure_speed(make_bert(), make_bert(), features, tokenizer, config)
    assert (speed.speedup, speed.dense_ms, speed.model_ms) == (3.0, 6.0, 2.0)
    assert speed.speedup_quartiles == (2.0, 4.0)


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
    assert peak_memory_bytes() > 1_000_000
