"""The fastest multiple: measured once, then known."""

import json

import pytest
import torch

from prune.measure import rounding
from prune.results.record import Record
from tests.runs.tiny import call, folders

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prune" / "round_to.json"


@pytest.mark.parametrize(
    ("count", "multiple", "expected"), [(0, 8, 0), (1, 8, 8), (8, 8, 8), (9, 8, 16), (95, 64, 100), (7, 1, 7)]
)
def test_rounding_up_by_hand(count, multiple, expected):
    assert rounding.rounded_up(count, multiple, at_most=100) == expected


def test_it_is_measured_once_per_size(cache, monkeypatch):
    asked = []
    monkeypatch.setattr(rounding, "_measured", lambda *what: asked.append(what) or 16)
    for _ in range(2):
        assert rounding.fastest_multiple(16, 64, CPU, torch.float32) == 16
    rounding.fastest_multiple(16, 128, CPU, torch.float32)
    assert len(asked) == 2
    assert list(json.loads(cache.read_text()).values()) == [16, 16]


def test_a_damaged_cache_is_made_anew(cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("{")
    assert rounding.fastest_multiple(16, 64, CPU, torch.float32) in rounding.CANDIDATES


@pytest.mark.parametrize("value", [0, 7, "8", None, [8], {"8": 8}, float("inf")])
def test_a_wrong_value_in_the_cache_is_measured_anew(cache, monkeypatch, value):
    monkeypatch.setattr(rounding, "_measured", lambda *_: 16)
    rounding.fastest_multiple(16, 64, CPU, torch.float32)
    (key,) = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: value}))
    assert rounding.fastest_multiple(16, 64, CPU, torch.float32) == 16
    assert json.loads(cache.read_text()) == {key: 16}


def test_a_cache_that_cannot_be_written_is_told(cache, monkeypatch):
    monkeypatch.setattr(rounding, "_measured", lambda *_: 16)
    cache.parent.parent.write_text("a file where a folder should be")
    said = []
    assert rounding.fastest_multiple(16, 64, CPU, torch.float32, said.append) == 16
    assert str(cache) in said[0]


def test_the_fastest_candidate_is_taken(monkeypatch):
    """A clock that finds multiples of 32 twice as fast."""

    def seconds(_device, call):
        size = call.__defaults__[0][0].out_features
        return 1.0 if size % 32 == 0 else 2.0

    monkeypatch.setattr(rounding, "seconds", seconds)
    assert rounding._measured(16, 1024, CPU, torch.float32) == 32


def test_a_run_rounds_and_says_what_it_kept(tmp_path):
    words = ("compact.round_to=8", f"outputs={tmp_path}", "method.attention.penalty_weight=1")
    code, _, err = call(*words, method="struct")
    assert code == 0, err
    record = Record.read(folders(tmp_path)["struct"] / "record.json")
    assert all(count % 8 == 0 for count in record.dimensions_kept)
    assert record.units_spared["feed_forward"] > 0
    assert record.largest_logit_difference <= 1e-5


def test_gates_that_are_drawn_in_training_are_rounded_at_their_fixed_values(tmp_path):
    l0 = (
        "method.attention.criterion=l0",
        "method.feed_forward.criterion=l0",
        "schedule.score_learning_rate=1",
        "schedule.start_from=pretrained",
    )
    code, _, err = call("compact.round_to=8", f"outputs={tmp_path}", *l0, method="struct")
    assert code == 0, err
    record = Record.read(folders(tmp_path)["struct"] / "record.json")
    assert all(count % 8 == 0 for count in record.dimensions_kept)
    assert min(record.dimensions_kept) < 512


def test_a_method_that_cannot_round_refuses(tmp_path):
    code, _, err = call("compact.round_to=8", f"outputs={tmp_path}", method="block")
    assert code == 2
    assert "compact.round_to=8: nothing would be rounded" in " ".join(err.split())


@pytest.mark.parametrize("value", ["0", "1.5", "often", "true"])
def test_a_wrong_multiple_is_refused(value, tmp_path):
    code, _, err = call(f"compact.round_to={value}", f"outputs={tmp_path}", method="struct")
    assert code == 2
    assert "must be a whole number from 1, or auto" in " ".join(err.split())
