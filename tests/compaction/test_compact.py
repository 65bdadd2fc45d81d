from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from omegaconf import OmegaConf

from prune.compaction.compact import NotExact, compact, largest_difference, prove_equal
from prune.config.schema import MethodConfig
from prune.criteria import of_masks
from prune.masking.attach import attach, fold
from prune.methods.fine_pruning.training import spread

FILES = sorted((Path(__file__).parents[2] / "configs" / "method").glob("*.yaml"))
METHODS = [file for file in FILES if yaml.safe_load(file.read_text())["kind"] == "fine_pruning"]
REMOVED, KEPT = -9.0, 9.0
ALL_HEADS, ALL_DIMENSIONS = set(range(4)), set(range(24))
LOST = {
    "nothing": {},
    "some": {"attention": [{1}, {0, 3}], "feed_forward": [{5}, {0, 1, 23}]},
    "the heads of the first layer": {"attention": [ALL_HEADS, set()]},
    "the heads of the last layer": {"attention": [{2}, ALL_HEADS]},
    "the dimensions of a layer": {"feed_forward": [set(), ALL_DIMENSIONS]},
    "a whole layer": {"attention": [ALL_HEADS, set()], "feed_forward": [ALL_DIMENSIONS, set()]},
    "everything": {"attention": [ALL_HEADS] * 2, "feed_forward": [ALL_DIMENSIONS] * 2},
}
every_loss = pytest.mark.parametrize("lost", LOST.values(), ids=LOST)


@torch.no_grad()
def logits_of(model, ids):
    attention_mask = torch.ones_like(ids)
    attention_mask[0, 4:] = 0
    return model(input_ids=ids, attention_mask=attention_mask).logits


@pytest.fixture
def structured(make_bert, sublayers, site):
    """A model with masks on whole heads and dimensions, without the `lost` ones."""

    def make(lost, **shape):
        model = make_bert(**shape)
        sites = {"attention": site(grain="head"), "feed_forward": site(grain="dimension")}
        masks = attach(model, model.bert, sublayers(model), sites, seed=0)
        for name, bank in masks.banks.items():
            bank.scores[0].data.fill_(KEPT)
            for layer, units in enumerate(lost.get(name, [])):
                bank.scores[0].data[layer, sorted(units)] = REMOVED
        masks.advance(1.0)
        return model

    return make


def finished(model, sublayers):
    fold(model)
    return compact(model, sublayers(model))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@every_loss
def test_compaction_changes_no_logit(lost, attention, structured, sublayers, ids):
    model = structured(lost, attn_implementation=attention)
    before = logits_of(model, ids)
    finished(model, sublayers)
    assert prove_equal({"logits": before}, {"logits": logits_of(model, ids)}, ("logits",)) <= 1e-5


@every_loss
def test_what_is_kept_is_what_the_masks_left(lost, structured, sublayers):
    kept = finished(structured(lost), sublayers).kept
    for name, units in (("attention", ALL_HEADS), ("feed_forward", ALL_DIMENSIONS)):
        for layer, gone in enumerate(lost.get(name, [set(), set()])):
            assert kept[f"encoder.layer.{layer}.{name}"] == tuple(sorted(units - gone))


@every_loss
def test_number_of_parameters_by_hand(lost, structured, sublayers):
    model = structured(lost)
    finished(model, sublayers)
    for index, layer in enumerate(model.bert.encoder.layer):
        heads = 4 - len(lost["attention"][index]) if "attention" in lost else 4
        dimensions = 24 - len(lost["feed_forward"][index]) if "feed_forward" in lost else 24
        attention = 3 * (4 * heads * 16 + 4 * heads) + 16 * 4 * heads + 16
        feed_forward = dimensions * 16 + dimensions + 16 * dimensions + 16
        norms = 2 * (16 + 16)
        assert sum(parameter.numel() for parameter in layer.parameters()) == attention + feed_forward + norms


def test_kept_weights_are_those_of_the_kept_units(structured, sublayers):
    model = structured(LOST["some"])
    query = model.bert.encoder.layer[1].attention.self.query.weight.clone()
    down = model.bert.encoder.layer[0].output.dense.weight.clone()
    finished(model, sublayers)
    assert model.bert.encoder.layer[1].attention.self.query.weight.equal(query[4:12])  # heads 1 and 2
    assert model.bert.encoder.layer[0].output.dense.weight.equal(down[:, [unit for unit in range(24) if unit != 5]])


def test_counts_of_the_modelling_code_follow(structured, sublayers):
    model = structured(LOST["some"])
    finished(model, sublayers)
    counts = [
        (layer.attention.self.num_attention_heads, layer.attention.self.all_head_size)
        for layer in model.bert.encoder.layer
    ]
    assert counts == [(3, 12), (2, 8)]
    linear = model.bert.encoder.layer[0].intermediate.dense
    assert (linear.in_features, linear.out_features) == (16, 23)


def test_compacting_again_removes_nothing_more(structured, sublayers):
    model = structured({})
    first = finished(model, sublayers)
    assert compact(model, sublayers(model)) == first


@pytest.mark.parametrize("grain", ["element", "block", "row", "column", "head", "dimension"])
@pytest.mark.parametrize("criterion", of_masks())
def test_compaction_changes_no_logit_for_any_criterion_and_grain(
    criterion, grain, make_bert, mask, shuffle, sublayers, ids
):
    model = make_bert()
    masks = mask(model, criterion, grain, density=0.2, threshold=0.8)
    shuffle(masks, mean=-2.0, std=3.0)
    masks.advance(1.0)
    before = logits_of(model, ids)
    assert masks.densities()["attention"] < 1
    finished(model, sublayers)
    assert prove_equal({"logits": before}, {"logits": logits_of(model, ids)}, ("logits",)) <= 1e-5


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
@pytest.mark.parametrize("block", [(2, 2), (4, 4), (8, 8), (8, 2), (2, 8)])
def test_compaction_changes_no_logit_for_random_blocks(block, seed, make_bert, mask, shuffle, sublayers, ids):
    model = make_bert()
    masks = mask(model, grain="block", block=block, threshold=0.5)
    shuffle(masks, mean=-0.3, seed=seed)
    masks.advance(1.0)
    before = logits_of(model, ids)
    finished(model, sublayers)
    assert prove_equal({"logits": before}, {"logits": logits_of(model, ids)}, ("logits",)) <= 1e-5


@pytest.mark.parametrize("file", METHODS, ids=lambda file: file.stem)
def test_compaction_changes_no_logit_for_any_method(file, make_bert, shuffle, sublayers, ids):
    method = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(MethodConfig), yaml.safe_load(file.read_text())))
    for part in (method.attention, method.feed_forward):
        part.block = [4, 4]
    model = make_bert()
    masks = spread(model, model.bert, sublayers(model), method, seed=0)
    shuffle(masks, mean=-4.0, std=3.0)
    masks.advance(1.0)
    before = logits_of(model, ids)
    assert all(0 < density < 0.6 for density in masks.densities().values())
    structure = finished(model, sublayers)
    assert prove_equal({"logits": before}, {"logits": logits_of(model, ids)}, ("logits",)) <= 1e-5
    assert (method.name == "unstructured") == (sum(map(len, structure.kept.values())) == 2 * (4 + 24))


def test_methods_are_found():
    assert {file.stem for file in METHODS} >= {"block", "hybrid", "hybrid_filled", "struct", "unstructured"}


def test_difference_is_relative_to_the_largest_output():
    before, after = {"a": torch.tensor([1.0, -4.0])}, {"a": torch.tensor([1.5, -4.0])}
    assert largest_difference(before, after, ("a",)) == 0.125


def test_largest_of_several_outputs_counts():
    before = {"start": torch.tensor([1.0]), "end": torch.tensor([2.0])}
    after = {"start": torch.tensor([1.25]), "end": torch.tensor([1.0])}
    assert largest_difference(before, after, ("start", "end")) == 0.5


def test_outputs_per_token_may_have_any_lengths():
    before = {"start": [np.float32([1.0, -4.0]), np.float32([2.0])]}
    after = {"start": [np.float32([1.0, -4.0]), np.float32([3.0])]}
    assert largest_difference(before, after, ("start",)) == 0.25


@pytest.mark.parametrize("wrong", [1.001, float("nan"), float("inf")])
def test_a_changed_output_is_refused(wrong):
    with pytest.raises(NotExact, match="compaction changed the outputs"):
        prove_equal({"a": torch.tensor([1.0, 0.5])}, {"a": torch.tensor([wrong, 0.5])}, ("a",))


def test_removing_a_living_unit_is_noticed(structured, sublayers, ids):
    model = structured({})
    before = logits_of(model, ids)
    model.bert.encoder.layer[0].output.dense.weight.data[:, 3] = 0.0
    finished(model, sublayers)
    with pytest.raises(NotExact):
        assert prove_equal({"logits": before}, {"logits": logits_of(model, ids)}, ("logits",)) <= 1e-5


def test_rounding_is_told_from_a_change_by_double_precision():
    """What differs by 3e-5 in float32 is the same in float64, or is not."""
    one, other = {"a": torch.tensor([1.0, 0.5])}, {"a": torch.tensor([1.00003, 0.5])}
    assert prove_equal(one, other, ("a",), lambda: (one, one)) == pytest.approx(3e-5, rel=0.01)
    with pytest.raises(NotExact, match="by 3e-05 of their size"):
        prove_equal(one, other, ("a",), lambda: (one, other))


def test_a_result_that_is_no_number_is_no_proof():
    before = {"start": torch.ones(2), "end": torch.ones(2)}
    after = {"start": torch.ones(2), "end": torch.tensor([1.0, float("nan")])}
    with pytest.raises(NotExact):
        prove_equal(before, after, ("start", "end"))
