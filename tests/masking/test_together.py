"""Masked weights of equal layers made together, as on a GPU: the same numbers by fewer operations."""

import pytest
import torch

from prune.masking import bank
from prune.masking.grains import GRAINS
from tests.architectures import ARCHITECTURES, inputs
from tests.operations import Counted


@pytest.fixture
def together(monkeypatch):
    """A function that says whether the next forward passes work so."""
    return lambda really: monkeypatch.setattr(bank, "works_together", lambda _device: really)


def pass_of(model, batch):
    """Logits and gradients by name."""
    model.zero_grad()
    logits = model(**batch).logits
    logits.float().pow(2).mean().backward()
    return {"logits": logits} | {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_and_all_gradients_are_the_same(name, grain, mask, shuffle, together):
    architecture = ARCHITECTURES[name]
    model, batch = architecture.model(), inputs(architecture)
    masks = mask(model, grain=grain, threshold=0.5)
    shuffle(masks, mean=0.5)
    masks.advance(1.0)
    found = []
    for really in (False, True):
        together(really)
        found.append(pass_of(model, batch))
    apart, at_once = found
    assert 0 < masks.densities()["feed_forward"] < 1
    assert apart.keys() == at_once.keys()
    for part in apart:
        torch.testing.assert_close(at_once[part], apart[part], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("grain", GRAINS)
def test_under_autocast_they_are_kept_in_bfloat16_and_gradients_are_float32(
    grain, make_bert, mask, shuffle, ids, together
):
    model = make_bert()
    masks = mask(model, grain=grain, threshold=0.5)
    shuffle(masks, mean=0.5)
    masks.advance(1.0)
    expected = pass_of(model, {"input_ids": ids})
    together(True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pass_of(model, {"input_ids": ids})
    weight, bias = model.bert.encoder.layer[0].intermediate.dense.ready
    assert weight.dtype == bias.dtype == torch.bfloat16
    parts = sorted(expected.keys() - {"logits"})
    assert {found[part].dtype for part in parts} == {torch.float32}
    exact, rounded = (torch.cat([one[part].flatten() for part in parts]) for one in (expected, found))
    assert (rounded - exact).norm() < 0.05 * exact.norm()


def test_the_number_of_operations_that_masks_add_does_not_grow_with_the_layers(make_bert, mask, ids, together):
    def added(num_layers):
        numbers = []
        for masked in (False, True):
            model = make_bert(num_hidden_layers=num_layers)
            if masked:
                mask(model, grain="block", threshold=0.5).advance(1.0)
            with Counted() as counted:
                pass_of(model, {"input_ids": ids})
            numbers.append(counted.number)
        return numbers[1] - numbers[0]

    assert added(4) > added(2)
    together(True)
    assert added(4) == added(2)
