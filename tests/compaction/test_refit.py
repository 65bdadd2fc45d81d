"""Refitted output matrices give what they can of the dense model's outputs; exactly, where units are redundant."""

import pytest
import torch

from prune.compaction import refit as refitting
from prune.compaction.compact import compact, largest_difference
from prune.compaction.refit import refit
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, inputs


def batches(number=13, size=64):
    generator = torch.Generator().manual_seed(1)
    for _ in range(number):
        ids = torch.randint(3, 50, (size, 9), generator=generator)
        ids[:, 0] = 1
        mask = torch.ones_like(ids)
        mask[0, 5:] = 0
        yield {"input_ids": ids, "attention_mask": mask}


def all_units(sublayers):
    return {s.name: tuple(range(s.num_units)) for s in sublayers}


def error(model, dense, batch):
    with torch.no_grad():
        return float((model(**batch).logits - dense(**batch).logits).square().mean())


def test_a_unit_that_doubles_another_is_made_up_for_exactly(make_bert):
    model, dense = make_bert(), make_bert()
    for one in (model, dense):
        up = one.bert.encoder.layer[1].intermediate.dense
        up.weight.data[7], up.bias.data[7] = up.weight.data[3], up.bias.data[3]
    sublayers = sublayers_of(model)
    kept = all_units(sublayers) | {"encoder.layer.1.feed_forward": tuple(unit for unit in range(24) if unit != 7)}
    down = dense.bert.encoder.layer[1].output.dense.weight.detach().clone()
    refit(model, dense, sublayers, kept, list(batches(125)))
    found = model.bert.encoder.layer[1].output.dense.weight
    assert (found[:, 7] == 0).all()
    assert torch.allclose(found[:, 3], down[:, 3] + down[:, 7], rtol=1e-3, atol=1e-3)
    assert error(model, dense, next(batches())) < 1e-8


def test_what_loses_nothing_is_left_as_it_is(make_bert):
    model, dense = make_bert(), make_bert()
    refit(model, dense, sublayers_of(model), all_units(sublayers_of(model)), list(batches()))
    assert all(a.equal(b) for a, b in zip(model.parameters(), dense.parameters(), strict=True))


def test_the_bias_makes_up_for_the_mean_of_what_is_gone(make_bert):
    """A unit that always says the same."""
    model, dense = make_bert(), make_bert()
    for one in (model, dense):
        up = one.bert.encoder.layer[1].intermediate.dense
        up.weight.data[7], up.bias.data[7] = 0.0, 3.0
    sublayers = sublayers_of(model)
    kept = all_units(sublayers) | {"encoder.layer.1.feed_forward": tuple(unit for unit in range(24) if unit != 7)}
    refit(model, dense, sublayers, kept, list(batches(125)))
    assert error(model, dense, next(batches())) < 1e-8


def test_a_later_sublayer_makes_up_for_what_an_earlier_one_lost(make_bert):
    """One that is silent in the dense model, and loses a unit: its residual stream is to be the dense one's."""
    repaired, left, dense = make_bert(), make_bert(), make_bert()
    for one in (repaired, left, dense):
        one.bert.encoder.layer[1].output.dense.weight.data.zero_()
    sublayers = sublayers_of(dense)
    kept = all_units(sublayers) | {"encoder.layer.0.feed_forward": tuple(range(12))}
    refit(left, dense, sublayers, kept, list(batches()))
    refit(repaired, dense, sublayers, kept | {"encoder.layer.1.feed_forward": tuple(range(23))}, list(batches()))
    held_out = {"input_ids": torch.randint(3, 50, (16, 9), generator=torch.Generator().manual_seed(5))}
    assert error(repaired, dense, held_out) < 0.9 * error(left, dense, held_out)


def test_the_outputs_are_nearer_to_the_dense_models_than_without(make_bert):
    model, cut, dense = make_bert(), make_bert(), make_bert()
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(s.num_units // 2)) for s in sublayers}
    refit(model, dense, sublayers, kept, list(batches()))
    refit(cut, dense, sublayers, kept, [])
    held_out = {"input_ids": torch.randint(3, 50, (16, 9), generator=torch.Generator().manual_seed(5))}
    assert error(model, dense, held_out) < 0.5 * error(cut, dense, held_out)


@pytest.mark.parametrize(("number", "rows"), [(1, 2), (2, 2), (4, 2), (8, 8)])
def test_the_ridge_is_nearly_the_best_for_other_texts(make_bert, monkeypatch, number, rows):
    """The fewer texts, the stronger; a fixed one is up to twice as far off for some number of them."""
    dense = make_bert()
    sublayers = sublayers_of(dense)
    kept = {s.name: tuple(range(s.num_units // 2)) for s in sublayers}
    texts = [{name: values[:rows, :6] for name, values in batch.items()} for batch in batches(number, size=8)]
    held_out = {"input_ids": torch.randint(3, 50, (64, 9), generator=torch.Generator().manual_seed(5))}

    def held_out_error(ridges):
        monkeypatch.setattr(refitting, "_RIDGES", ridges)
        model = make_bert()
        refit(model, dense, sublayers, kept, texts)
        return error(model, dense, held_out)

    chosen = held_out_error(refitting._RIDGES)
    assert chosen < 1.25 * min(held_out_error((ridge,)) for ridge in (0.1, 1.0, 10.0, 100.0, 1000.0))


def test_tokens_that_nothing_reads_do_not_count(make_bert):
    """After the last attention; before it all do."""
    dense, of_all, of_first = make_bert(), make_bert(), make_bert()
    sublayers, real = sublayers_of(dense), list(batches(25))
    halves = {s.name: tuple(range(s.num_units // 2)) for s in sublayers if s.site == "feed_forward"}
    for model, first_token_only in ((of_all, False), (of_first, True)):
        refit(model, dense, sublayers, all_units(sublayers) | halves, real, first_token_only)
    errors = [sum(error(model, dense, batch) for batch in real) for model in (of_first, of_all)]
    assert errors[0] < 0.9 * errors[1], errors
    *before, last = zip(of_first.bert.encoder.layer, of_all.bert.encoder.layer, strict=True)
    assert all(first.output.dense.weight.equal(every.output.dense.weight) for first, every in before)
    assert not last[0].output.dense.weight.equal(last[1].output.dense.weight)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_was_removed_is_put_back_as_zeros(name):
    """With other weights, as after training."""
    model, whole, batch = ARCHITECTURES[name].model(), ARCHITECTURES[name].model(), inputs(ARCHITECTURES[name])
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) if number else () for number, s in enumerate(sublayers)}
    refit(model, ARCHITECTURES[name].model(), sublayers, kept, [batch])
    structure = compact(model, sublayers)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.9)
        structure.put_back(model, whole, sublayers)
        assert largest_difference(model(**batch), whole(**batch), ("logits",)) <= 1e-5
    assert compact(whole, sublayers).kept == kept


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_refitted_compacts_exactly(name):
    model, dense, batch = ARCHITECTURES[name].model(), ARCHITECTURES[name].model(), inputs(ARCHITECTURES[name])
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) if number else () for number, s in enumerate(sublayers)}
    refit(model, dense, sublayers, kept, [batch])
    model.double()
    with torch.no_grad():
        before = model(**batch).logits
        structure = compact(model, sublayers)
        assert structure.kept == kept
        assert largest_difference({"logits": before}, {"logits": model(**batch).logits}, ("logits",)) <= 1e-5
