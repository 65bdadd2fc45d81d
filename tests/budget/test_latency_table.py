"""The latency table on a clock that counts multiply-adds: its predictions are then exact, for any model."""

import json
from weakref import WeakKeyDictionary

import pytest
import torch

from prune.budget import cost_model, latency_table
from prune.budget.latency_table import LatencyTable, kind_of, measured_latency_table, rising
from prune.compaction.modeling_pruned import take_shape
from prune.compaction.structure import Structure
from prune.inference.runtimes import Serving
from prune.measure.speed import multiply_adds
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, inputs


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prune" / "latency.json"


@pytest.fixture
def counting(monkeypatch):
    """A clock by which a multiply-add takes a second; every model is counted once, at few widths."""
    counted = WeakKeyDictionary()

    def watched(_, call):
        model, batches = call.args
        if model not in counted:
            counted[model] = multiply_adds(model, *batches)
        return counted[model], 0.0

    monkeypatch.setattr(latency_table, "watched", watched)
    monkeypatch.setattr(latency_table, "_ROUNDS", (1, 1))
    monkeypatch.setattr(latency_table, "_WIDTHS", 4)


def table_of(name, **shape):
    model, batch = ARCHITECTURES[name].model(**shape), inputs(ARCHITECTURES[name])
    return model, batch, measured_latency_table(ARCHITECTURES[name].auto_class, model.config, [batch], EAGER)


def at_grid(sublayer, share):
    """A number of units for which the table has a time."""
    counts = latency_table._counts(sublayer)
    return counts[round(share * (len(counts) - 1))]


SLOW = ("distilbert", "t5_gated", "modernbert", "mobilebert")


@pytest.mark.parametrize(
    "name", ["bert", "bart", "gpt2", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_predictions_are_the_sum_of_the_parts(name, counting):
    model, batch, table = table_of(name)
    sublayers = sublayers_of(model)
    assert 1e3 * multiply_adds(model, batch) == pytest.approx(table.dense_ms)
    units = {s.name: at_grid(s, (number % 5) / 4) for number, s in enumerate(sublayers)}
    predicted = table.model_ms(sublayers, units)
    structure = Structure(model.config.model_type, {name: tuple(range(count)) for name, count in units.items()})
    take_shape(model.base_model, structure.shape(sublayers))
    assert 1e3 * multiply_adds(model, batch) == pytest.approx(predicted)


@pytest.mark.parametrize("heads", [(4, 2, 1), (4, 2, 0), (1, 3, 4)])
@pytest.mark.parametrize("name", ["bert", "distilbert"])
def test_where_one_token_is_computed_predictions_leave_out_the_others(name, heads, counting):
    """But for the output matrix of the last attention, which they take for all tokens."""
    model, batch, table = table_of(name)
    sublayers = sublayers_of(model)
    attentions = [s for s in sublayers if s.site == "attention"]
    units = {s.name: at_grid(s, 0.5) for s in sublayers} | {s.name: n for s, n in zip(attentions, heads, strict=True)}
    kept = {name: tuple(range(count)) for name, count in units.items()}
    Structure(model.config.model_type, kept, first_token_only=True).apply(model.base_model, sublayers)
    predicted = min(
        one.total(sublayers, units) for one in cost_model.latency_cost_models(table, sublayers, sublayers, True)
    )
    last = next(s for s in reversed(attentions) if units[s.name])
    size, tokens = batch["input_ids"].shape
    output = units[last.name] * last.output.unit_size * last.output.rows * size
    too_much = output * (tokens - 1 if name == "bert" else 0)  # DistilBERT's is inside the attention
    assert 1e3 * (multiply_adds(model, batch) + too_much) == pytest.approx(predicted)


def test_times_between_measured_widths_are_interpolated(make_bert):
    sublayer = sublayers_of(make_bert())[1]
    table = LatencyTable(100.0, {kind_of(sublayer): {0: 0.0, 12: 6.0, 24: 30.0}})
    assert [table.of(sublayer, units) for units in (0, 6, 12, 18, 24)] == [0.0, 3.0, 6.0, 18.0, 30.0]


EAGER = Serving(torch.float32, torch.device("cpu"))
BERT = ARCHITECTURES["bert"]


@pytest.fixture
def measurements(monkeypatch):
    """Stands for the measurement, of which a cache knows nothing; the lengths that it was called with."""
    kinds = {kind_of(sublayer) for sublayer in sublayers_of(BERT.model())}
    content = {"dense_ms": 9.0, "layer_ms": 0.5, "sublayer_ms": {kind: {0: 0.0, 4: 2.5} for kind in sorted(kinds)}}
    content["disturbed"] = False
    lengths = []

    def measured(_class, _config, batches, _dtype):
        lengths.append(batches[0]["input_ids"].shape[1])
        return content

    monkeypatch.setattr(latency_table, "_measured", measured)
    return lengths


def measured_bert(say=lambda _: None, length=7):
    batch = {name: values[:, :length] for name, values in inputs(BERT).items()}
    return measured_latency_table(BERT.auto_class, BERT.model().config, [batch], EAGER, say)


def test_it_is_measured_once_for_each_model_and_batch(measurements, cache):
    said = []
    assert measured_bert(said.append) == measured_bert(said.append)
    assert len(said) == len(json.loads(cache.read_text())) == 1
    measured_bert(said.append, length=5)
    assert len(said) == len(json.loads(cache.read_text())) == 2
    assert measurements == [7, 5]


WRONG = [
    {"dense_ms": "much"}, {"dense_ms": 0.0}, {"dense_ms": float("nan")}, {"layer_ms": -1.0}, {"layer_ms": float("inf")},
    {"layer_ms": True}, {"sublayer_ms": {}}, {"sublayer_ms": [1.0]}, {"sublayer_ms": None},
]  # fmt: skip
WRONG_TIMES = [{}, {"few": 1.0}, {"1": None}, {"1": "much"}, {"-1": 1.0}, [1.0], 1.0]


@pytest.mark.parametrize("wrong", [*WRONG, *WRONG_TIMES])
def test_a_wrong_table_in_the_cache_is_measured_anew(measurements, cache, wrong):
    table = measured_bert()
    ((key, content),) = json.loads(cache.read_text()).items()
    if wrong in WRONG_TIMES:
        wrong = {"sublayer_ms": dict.fromkeys(content["sublayer_ms"], wrong)}
    cache.write_text(json.dumps({key: content | wrong}))
    assert measured_bert() == table
    assert json.loads(cache.read_text()) == {key: content}
    assert len(measurements) == 2


@pytest.mark.parametrize("wrong", [None, 3, [], {}])
def test_what_is_no_table_is_measured_anew(measurements, cache, wrong):
    table = measured_bert()
    ((key, content),) = json.loads(cache.read_text()).items()
    cache.write_text(json.dumps({key: wrong}))
    assert measured_bert() == table
    assert json.loads(cache.read_text()) == {key: content}
    assert len(measurements) == 2


def test_a_real_measurement_is_found_again(counting, monkeypatch):
    _, _, table = table_of("bert")
    monkeypatch.setattr(latency_table, "_measured", pytest.fail)
    assert table_of("bert")[2] == table


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], []), ([1.0, 2.0], [1.0, 2.0]), ([0.0, 3.0, 1.0, 5.0], [0.0, 2.0, 2.0, 5.0]), ([3.0, 2.0, 1.0], [2.0] * 3)],
)
def test_times_that_fall_are_pooled_with_those_before(values, expected):
    assert rising(values) == expected


@pytest.fixture
def clock(monkeypatch):
    """Times of one model, and the shares of them that were waited, in turn; and how many were asked for."""

    def times(*timings):
        asked = []

        def watched(_device, _call):
            asked.append(None)
            return timings[(len(asked) - 2) % len(timings)]  # the first warms up

        monkeypatch.setattr(latency_table, "watched", watched)
        monkeypatch.setattr(latency_table, "_ROUNDS", (4, 4))
        monkeypatch.setattr(latency_table, "track", lambda items, *_, **__: items)
        return latency_table._times([BERT.model()], [inputs(BERT)]), len(asked) - 1

    return times


def test_disturbed_rounds_are_repeated_and_do_not_count(clock):
    assert clock((0.001, 0.0), (0.009, 0.5)) == (([1.0], False), 7)


def test_a_quiet_machine_repeats_nothing(clock):
    assert clock((0.001, 0.0)) == (([1.0], False), 4)


def test_a_table_that_other_work_disturbed_is_used_and_not_kept(clock, measurements, cache, monkeypatch):
    (times, disturbed), number = clock((0.004, 0.5), (0.002, 0.25))
    assert (times, disturbed, number) == ([2.0], True, 8)
    measured = latency_table._measured
    monkeypatch.setattr(latency_table, "_measured", lambda *given: measured(*given) | {"disturbed": True})
    said = []
    assert measured_bert(said.append).dense_ms == measured_bert(said.append).dense_ms == 9.0
    assert len(measurements) == 2
    assert not cache.exists()
    assert "other work took the cores meanwhile" in said[1]


def test_kinds_are_names_without_numbers():
    kinds = {kind_of(sublayer) for sublayer in sublayers_of(ARCHITECTURES["bart"].model())}
    assert kinds == {
        "encoder.layers.*.attention", "encoder.layers.*.feed_forward", "decoder.layers.*.self_attention",
        "decoder.layers.*.cross_attention", "decoder.layers.*.feed_forward",
    }  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_smaller_models_are_timed_with_real_weights(name):
    """Memory that was never written may hold numbers that processors are slow on."""
    model = ARCHITECTURES[name].model()
    sublayers, weights = sublayers_of(model), {n: p.clone() for n, p in model.named_parameters()}
    kept = {s.name: tuple(range(s.num_units // 2)) for s in sublayers}
    smaller = latency_table._shaped(model, sublayers, kept)
    wanted = ARCHITECTURES[name].model()
    Structure(model.config.model_type, kept).apply(wanted.base_model, sublayers)
    for one, other in zip(smaller.parameters(), wanted.parameters(), strict=True):
        assert torch.equal(one, other)
    assert all(torch.equal(p, weights[n]) for n, p in model.named_parameters())
