"""Removing what has died while training goes on: nothing changes at that moment, nor by an interruption."""

import json
from hashlib import sha256

import pytest
import torch
from safetensors.torch import load_file

from prune.config.schema import MethodConfig, SiteConfig
from prune.masking.alive import Alive
from prune.masking.grains import GRAINS
from prune.methods import fine_pruning
from prune.models.architecture import sublayers_of
from prune.results.record import Record, results_of
from prune.runtime import registry
from prune.training import used_rows
from prune.training.shrinking import carry, enlarge, still_alive, take_away
from tests.architectures import ARCHITECTURES, inputs
from tests.runs.tiny import call, folders

METHODS = {
    "hybrid": (("soft_movement", "block"), ("soft_movement", "dimension")),
    "block": (("soft_movement", "block"), ("soft_movement", "block")),
    "struct": (("soft_movement", "head"), ("soft_movement", "dimension")),
    "gates": (("l0", "head"), ("l0", "dimension")),
    "one_site": (("soft_movement", "none"), ("soft_movement", "dimension")),
}


def masked(name, method, alive=None, seed=0):
    """A tiny model under masks; with `alive`, one that lacks what is removed, with other weights."""
    model = ARCHITECTURES[name].model(seed)
    sublayers = sublayers_of(ARCHITECTURES[name].model())
    attention, feed_forward = (SiteConfig(criterion, grain, [4, 4], 0.7) for criterion, grain in METHODS[method])
    config = MethodConfig("any", attention=attention, feed_forward=feed_forward, penalty=3.0)
    if alive is not None:
        take_away(model, sublayers, alive)
    return model, fine_pruning.spread(model, model.base_model, sublayers, config, 0, alive)


def all_of(name, method):
    stay = {
        site for site, (_, grain) in zip(("attention", "feed_forward"), METHODS[method], strict=True) if grain == "none"
    }
    return Alive.all_of([s for s in sublayers_of(ARCHITECTURES[name].model()) if s.site not in stay])


def scored(masks, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for bank in masks.all_banks():
        for scores in bank.scores:
            scores.data.normal_(mean=-1.0, std=2.0, generator=generator)
    masks.advance(0.5)
    masks.cut_at(0.3)


def carried(name, method, model, masks, alive, cut):
    """`model` without what is not `alive`, the whole model in between, and their masks."""
    smaller, of_smaller = masked(name, method, alive, seed=1)
    between, of_between = masked(name, method, all_of(name, method), seed=2)
    carry(model, between, smaller)
    of_smaller.continue_from(masks)
    of_smaller.cut_at(cut)
    return smaller, of_smaller, between, of_between


def seen(name, model, masks):
    model.eval()
    with torch.no_grad():
        logits = model(**inputs(ARCHITECTURES[name])).logits
        return logits, float(masks.penalty()), masks.densities()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_what_is_dead_can_go_without_a_trace(name, method):
    model, masks = masked(name, method)
    scored(masks)
    before = seen(name, model, masks)
    alive = still_alive(masks, all_of(name, method))
    masks.alive = all_of(name, method)
    smaller, of_smaller, between, of_between = carried(name, method, model, masks, alive, 0.3)
    after = seen(name, smaller, of_smaller)
    assert sum(p.numel() for p in smaller.parameters()) < sum(p.numel() for p in model.parameters())
    torch.testing.assert_close(after[0], before[0], rtol=1e-5, atol=1e-5)
    assert after[1] == pytest.approx(before[1], rel=1e-5)
    assert after[2] == pytest.approx(before[2])
    enlarge(smaller, between)
    of_between.cut_at(0.3)
    torch.testing.assert_close(seen(name, between, of_between)[0], before[0], rtol=1e-5, atol=1e-5)


def test_a_second_removal_adds_to_the_first():
    model, masks = masked("bert", "hybrid")
    scored(masks)
    masks.alive = first = all_of("bert", "hybrid")
    second = still_alive(masks, first)
    smaller, of_smaller, *_ = carried("bert", "hybrid", model, masks, second, 0.7)
    before = seen("bert", smaller, of_smaller)
    third = still_alive(of_smaller, second)
    assert sum(map(len, third.kept.values())) < sum(map(len, second.kept.values()))
    assert all(set(third.kept[name]) <= set(units) for name, units in second.kept.items())
    smallest, of_smallest, *_ = carried("bert", "hybrid", smaller, of_smaller, third, 0.7)
    after = seen("bert", smallest, of_smallest)
    torch.testing.assert_close(after[0], before[0], rtol=1e-5, atol=1e-5)
    assert after[1] == pytest.approx(before[1], rel=1e-5)


def test_gradients_of_what_is_left_are_those_of_the_whole():
    """Of weights, and of scores, the penalty's part included."""
    model, masks = masked("bert", "struct")
    scored(masks)
    masks.alive = whole = all_of("bert", "struct")
    alive = still_alive(masks, whole)
    smaller, of_smaller, *_ = carried("bert", "struct", model, masks, alive, 0.3)
    for one, its in ((model, masks), (smaller, of_smaller)):
        one.eval()
        (one(**inputs(ARCHITECTURES["bert"])).logits.square().sum() + its.penalty()).backward()
    rows = {s.name: (bank, row) for bank in of_smaller.all_banks() for row, s in enumerate(bank.sublayers)}
    for bank in masks.all_banks():
        for row, sublayer in enumerate(bank.sublayers):
            if (units := list(alive.kept[sublayer.name])) and sublayer.site == "feed_forward":
                own, own_row = rows[sublayer.name]
                torch.testing.assert_close(own.scores[0].grad[own_row], bank.scores[0].grad[row][units])
                weights = (bank.layers[row][0].weight.grad[units], own.layers[own_row][0].weight.grad)
                torch.testing.assert_close(*weights, rtol=1e-4, atol=1e-6)


SHRINKING = ("compact.during_training=true", "target.density=0.3")


@pytest.fixture(autouse=True)
def five_looks(monkeypatch):
    """Instead of ten."""
    monkeypatch.setattr(fine_pruning, "LOOKS", 5)


@pytest.mark.parametrize("method", ["hybrid"])
def test_a_run_shrinks_and_keeps_to_its_target(tmp_path, method, monkeypatch):
    monkeypatch.setattr(used_rows, "_WORTH_IT", 1.0)  # the demo uses nearly all rows of its word embeddings
    sizes = []
    original = fine_pruning.shrink

    def watched(checkpoint, model, smaller, between):
        original(checkpoint, model, smaller, between)
        sizes.append(sum(p.numel() for p in smaller.parameters()))
        state = torch.load(checkpoint / "optimizer.pt", weights_only=True)["state"]
        assert sum(one["exp_avg"].numel() for one in state.values()) <= sizes[-1]
        assert sum(values.numel() for name, values in load_file(checkpoint / "model.safetensors").items()) >= sizes[-1]
        assert json.loads((checkpoint / "units.json").read_text())["kept"]
        assert len(smaller.get_input_embeddings().weight) < smaller.config.vocab_size

    monkeypatch.setattr(fine_pruning, "shrink", watched)
    code, _, err = call(f"outputs={tmp_path}", *SHRINKING, method=method)
    assert code == 0, err
    assert len(sizes) > 2
    assert sizes == sorted(sizes, reverse=True)
    record = Record.read(folders(tmp_path)[method] / "record.json")
    assert 0.27 < record.linear_density_before_fill <= 0.3
    assert record.largest_logit_difference < 1e-5


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a run gives that nothing stopped."""
    outputs = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_pruning, "LOOKS", 3)
        assert call(f"outputs={outputs}", *SHRINKING, method="struct")[0] == 0
    return _given(outputs)


def _given(outputs):
    """All that a run's record says of its model, and a digest of the weights."""
    run = folders(outputs)["struct"]
    results = results_of(Record.read(run / "record.json"))
    del results["config"]  # which names the outputs folder
    return results, sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("before", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_interrupted_run_ends_equal(tmp_path, monkeypatch, uninterrupted, before):
    """Whether it ends just before the model is made smaller, or just after."""
    parts = tmp_path / "parts"
    monkeypatch.setattr(fine_pruning, "LOOKS", 3)
    original, calls = fine_pruning.shrink, []

    def failing(*args):
        calls.append(args)
        if before and len(calls) == 2:
            raise Interrupted
        original(*args)
        if not before and len(calls) == 2:
            raise Interrupted

    monkeypatch.setattr(fine_pruning, "shrink", failing)
    with pytest.raises(Interrupted):
        call(f"outputs={parts}", *SHRINKING, method="struct")
    monkeypatch.setattr(fine_pruning, "shrink", original)
    code, _, err = call(f"outputs={parts}", *SHRINKING, method="struct")
    assert code == 0, err
    assert "going on from step" in err
    assert _given(parts) == uninterrupted


def test_every_grain_and_criterion_that_can_be_removed_is_tried():
    learned = [
        one for one in registry.names("criteria") if registry.module("criteria", one).CRITERION.setting != "density"
    ]
    assert {criterion for sites in METHODS.values() for criterion, _ in sites} == set(learned)
    assert {"head", "dimension", "block"} <= set(GRAINS)
