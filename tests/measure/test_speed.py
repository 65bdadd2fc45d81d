"""Times that belong together, and how long they are taken."""

import pytest
import torch
from datasets import Dataset

from prune.config.schema import SpeedConfig
from prune.measure.speed import (
    Calls,
    doubt,
    measure_speed,
    multiply_adds,
    shape_of,
    speed_batches,
    speed_device,
    time_pairs,
    typical_length,
)
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES
from tests.measure.halved import batch, half

CPU = torch.device("cpu")


def speeds(dense, model, features, tokenizer, config, eager=None):
    with_decoder = dense.config.is_encoder_decoder
    batches = speed_batches(features, tokenizer, config, CPU, with_decoder)
    return measure_speed(dense.eval(), model.eval(), Calls(dense, model, eager), batches, config.pairs)


@pytest.mark.parametrize("name", [name for name, one in ARCHITECTURES.items() if one.reads_pairs])
def test_a_decoder_is_timed_too(name, features, tokenizer):
    dense, model = (ARCHITECTURES[name].model() for _ in range(2))
    sublayers = sublayers_of(model)
    half(sublayers, "feed_forward").apply(model.base_model, sublayers)
    (speed,) = speeds(dense, model, features, tokenizer, SpeedConfig([2], length=8, device="cpu", pairs=2))
    assert 1 < speed.speedup_theoretical < 2


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([8] * 10, 8), ([9] * 10, 16), ([1], 8), (list(range(1, 101)), 96), ([5] * 99 + [500], 8), ([16] * 3, 16)],
)
def test_the_typical_length_by_hand(lengths, expected):
    assert typical_length(Dataset.from_dict({"length": lengths})) == expected


def test_measured_speeds_belong_together(make_bert, sublayers, features, tokenizer):
    dense, model = make_bert(), make_bert()
    half(sublayers(model), "feed_forward").apply(model.base_model, sublayers(model))
    found = speeds(dense, model, features, tokenizer, SpeedConfig([1, 6], length=8, device="cpu", pairs=9))
    assert [(speed.batch_size, speed.length) for speed in found] == [(1, 8), (6, 8)]
    for speed in found:
        first, third = speed.speedup_quartiles
        assert 0 < first <= speed.speedup <= third
        assert speed.dense_ms > 0 < speed.model_ms
        assert speed.speedup_theoretical == pytest.approx(
            multiply_adds(dense, batch(1, 8)) / multiply_adds(model, batch(1, 8))
        )


@pytest.mark.parametrize(("size", "number"), [(1, 64), (4, 16), (16, 8), (500, 1)])
def test_texts_of_real_lengths_are_padded_to_the_longest_of_their_batch(size, number, tokenizer):
    lengths = [1 + index * 7 % 40 for index in range(200)]
    features = Dataset.from_dict({
        "input_ids": [[5] * length for length in lengths],
        "attention_mask": [[1] * length for length in lengths],
        "length": lengths,
    })  # fmt: skip
    config = SpeedConfig([size], length="real", device="cpu")
    (batches,) = speed_batches(features, tokenizer, config, CPU, with_decoder=False)
    assert len(batches) == number
    longest = [int(one["attention_mask"].sum(1).max()) for one in batches]
    assert longest == sorted(longest) == [one["input_ids"].shape[1] for one in batches]
    shape = shape_of(batches)
    assert shape["batch_size"] == min(size, 200)
    if number > 1:
        assert shape == {"batch_size": size, "length": pytest.approx(sum(lengths) / 200, abs=1.5), "real": True}


def test_the_speedup_is_the_median_of_the_paired_ratios(make_bert, features, tokenizer, monkeypatch):
    times = iter([(9.0, 1.0)] * 3 + [(2.0, 1.0), (6.0, 2.0), (40.0, 10.0)])  # three warm-up pairs, then three
    flat = (time / 1e3 for pair in times for time in pair)
    monkeypatch.setattr("prune.measure.speed.seconds", lambda *_: next(flat))
    config = SpeedConfig([1], length=8, device="cpu", pairs=3)
    (speed,) = speeds(make_bert(), make_bert(), features, tokenizer, config)
    assert (speed.speedup, speed.dense_ms, speed.model_ms) == pytest.approx((3.0, 6.0, 2.0))
    assert speed.speedup_quartiles == pytest.approx((2.0, 4.0))


def test_the_speedup_over_eager_mode_is_measured_beside(make_bert, features, tokenizer, monkeypatch):
    """The dense model takes 2 ms in its runtime and 6 in eager mode, the model 1."""
    dense, model, eager = make_bert(), make_bert(), make_bert()
    took = {id(dense): 2.0, id(model): 1.0, id(eager): 6.0}
    monkeypatch.setattr("prune.measure.speed.seconds", lambda _, call: took[id(call.args[0])] / 1e3)
    config = SpeedConfig([1], length=8, device="cpu", pairs=3)
    (speed,) = speeds(dense, model, features, tokenizer, config, eager)
    assert (speed.speedup, speed.dense_ms) == pytest.approx((2.0, 2.0))
    assert (speed.speedup_over_eager, speed.eager_ms) == pytest.approx((6.0, 6.0))


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
    time_pairs(None, None, [batch(1, 8)], CPU, 8, promised=1.0, most=32)
    assert len(calls) / 2 - 3 == pairs  # three more to warm up


def test_the_doubt_of_a_median_by_hand():
    """Quartiles of 1, 2, 3: 1 and 3, which are 1.349 standard deviations apart in a normal distribution."""
    assert doubt([1.0, 2.0, 3.0]) == pytest.approx(1.2533 / 3**0.5 * (2 / 1.349) / 2, rel=1e-3)
    assert doubt([5.0] * 4) == 0.0


def test_without_a_length_the_typical_one_is_timed(make_bert, features, tokenizer):
    (speed,) = speeds(make_bert(), make_bert(), features, tokenizer, SpeedConfig([1], device="cpu", pairs=2))
    assert speed.length == 16


def test_the_device_by_name():
    assert speed_device("cpu").type == "cpu"
    assert speed_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
