"""The published networks: their shapes give the published densities, and the bench times what it says."""

import json

import pytest
import torch
from transformers import BertConfig

from prune.budget import latency_table
from prune.cli import main
from prune.models.architecture import sublayers_of
from prune.published import PublishedNetwork, benchmark, networks
from prune.published.benchmark import PublishedBenchConfig, Timing, as_rich, bench

FILLED = [one for one in networks() if one.method == "hybrid_filled"]
TINY = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}


def test_there_are_eight_for_squad_and_four_for_mnli():
    assert [one.task for one in networks()] == ["squad"] * 8 + ["mnli"] * 4


@pytest.mark.parametrize("network", FILLED, ids=lambda one: one.name)
def test_the_shapes_give_the_published_density(network):
    """Filled networks have no zeros: their density is the share of the matrices that is left."""
    with torch.device("meta"):
        model = benchmark._class_of(network.task)(BertConfig(**network.shape))
    sublayers = sublayers_of(model)
    kept = benchmark._structure(network, 1, sublayers).kept
    width = {s.name: len(kept[s.name]) * s.output.unit_size for s in sublayers}
    left = sum(width[s.name] * (m.rows if m.unit_axis else m.columns) for s in sublayers for m in s.matrices)
    assert left / sum(m.rows * m.columns for s in sublayers for m in s.matrices) == pytest.approx(
        network.linear_density, abs=1e-4
    )


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Two small networks instead of the published ones; the dense one is as small."""
    found = [
        PublishedNetwork(f"{task} #1", task, "tiny", "hybrid_filled", 80.0, 2.0, 0.5, (2, 0), (5, 9))
        for task in ("squad", "mnli")
    ]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(latency_table, "_ROUNDS", (1, 1))
    monkeypatch.setattr(benchmark, "networks", lambda: found)
    monkeypatch.setattr(PublishedNetwork, "shape", TINY)
    monkeypatch.setattr(benchmark, "BertConfig", lambda **shape: BertConfig(**TINY | shape))
    monkeypatch.setattr(benchmark, "_LENGTHS", {"squad": 16, "mnli": 8})


def test_every_network_is_timed_plain_and_rounded_at_every_size(tiny, tmp_path):
    config = PublishedBenchConfig([1, 2], rounds=3, round_to=8, device="cpu", output=str(tmp_path / "published.json"))
    timings = bench(config, say=lambda _: None)
    keys = [(one.network, one.batch_size, one.length, one.round_to) for one in timings]
    assert keys == [
        (f"{task} #1", size, length, multiple)
        for task, length in (("squad", 16), ("mnli", 8))
        for size in (1, 2)
        for multiple in (1, 8)
    ]
    assert [one.predicted is not None for one in timings] == [one.batch_size == 2 for one in timings]
    plain, rounded = timings[:2]
    assert 1 < rounded.theoretical < plain.theoretical
    assert all(one.measured > 0 and one.quartiles[0] <= one.measured <= one.quartiles[1] for one in timings)
    content = json.loads((tmp_path / "published.json").read_text())
    assert len(content["timings"]) == 8
    assert content["environment"]["packages"]["torch"]


def test_the_share_by_hand():
    timing = Timing("a", "squad", 8, 384, 1, published=2.4, measured=2.0, quartiles=(1.9, 2.1), theoretical=2.5)
    assert timing.share == pytest.approx(0.8)
    assert list(as_rich([timing]).columns[-1].cells) == ["80 %"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to time: prune bench published"),
        (("everything",), "say what to time"),
        (
            ("published", "round=3"),
            "prune bench published: 'round=3' is not known (did you mean 'rounds'?). Allowed: batch_",
        ),
        (("published", "rounds=often"), "'often' of type 'str' could not be converted to Integer"),
        (("published", "rounds=0"), "rounds=0: must be at least 1"),
        (("published", "batch_sizes=[]"), "batch_sizes=[]: must be one or more numbers from 1"),
        (("published", "round_to=often"), "round_to=often: must be a whole number from 1, or auto"),
        (("published", "device=tpu"), "device=tpu: must be auto, cpu or cuda"),
        (("published", "dtype=float3"), "dtype=float3: must be float32 or bfloat16"),
    ],
)
def test_a_mistake_is_told(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        main.main(["bench", *words])
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
