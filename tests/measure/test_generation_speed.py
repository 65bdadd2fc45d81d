"""The speed of writing texts."""

from types import SimpleNamespace

import pytest
import torch

from prune.measure.generation import measure_generation
from tests.measure.halved import LENGTH, batch


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
