"""Widths rounded up: the best of the removed units stay, and nothing else changes."""

import pytest
import torch

from prune.compaction.compact import compact, largest_difference
from prune.masking.attach import attach, fold

GRAINS = {"attention": "head", "feed_forward": "dimension"}


@pytest.fixture
def masks_with(make_bert, sublayers, site):
    """Masks on whole units of a BERT (head size 4, 24 dimensions) that keep given units of the first layer."""

    def make(heads, dimensions):
        model = make_bert()
        found = sublayers(model)
        masks = attach(model, model.bert, found, {name: site(grain=grain) for name, grain in GRAINS.items()}, seed=0)
        for bank in masks.banks.values():
            units = heads if bank.sublayers[0].site == "attention" else dimensions
            scores = -5.0 - torch.arange(bank.scores[0].shape[1])  # the lower its number, the better a removed unit
            scores[list(units)] = 5.0
            bank.scores[0].data[:] = scores
        masks.advance(1.0)
        return model, found, masks

    return make


@pytest.mark.parametrize(
    ("multiple", "dimensions", "expected"),
    [
        (1, (3, 20), (3, 20)),
        (4, (3, 20), (0, 1, 3, 20)),
        (4, (0, 1, 2, 3, 9), (0, 1, 2, 3, 4, 5, 6, 9)),
        (8, range(8), tuple(range(8))),
        (16, range(17), tuple(range(24))),  # there are no more
        (8, (), ()),  # nothing comes back where everything is gone
    ],
)
def test_the_best_of_the_removed_dimensions_stay(multiple, dimensions, expected, masks_with):
    model, found, masks = masks_with(heads=(1,), dimensions=dimensions)
    added = len(expected) - len(dimensions)
    assert masks.pad_widths(multiple)["feed_forward"] == 2 * added
    fold(model)
    assert compact(model, found).kept["encoder.layer.0.feed_forward"] == expected


@pytest.mark.parametrize(("multiple", "expected"), [(4, (2,)), (8, (0, 2)), (16, (0, 1, 2, 3)), (12, (0, 1, 2))])
def test_heads_are_rounded_by_their_width(multiple, expected, masks_with):
    model, found, masks = masks_with(heads=(2,), dimensions=(0,))
    masks.pad_widths(multiple)
    fold(model)
    assert compact(model, found).kept["encoder.layer.0.attention"] == expected


def test_padding_units_have_their_own_weights_and_compaction_is_exact(masks_with, ids):
    model, found, masks = masks_with(heads=(2,), dimensions=(3, 20))
    weight = model.bert.encoder.layer[0].output.dense.weight.detach().clone()
    masks.pad_widths(8)
    with torch.no_grad():
        before = model(ids).logits
    fold(model)
    compact(model, found)
    kept = [0, 1, 2, 3, 4, 5, 6, 20]
    assert model.bert.encoder.layer[0].output.dense.weight.equal(weight[:, kept])
    with torch.no_grad():
        assert largest_difference({"logits": before}, {"logits": model(ids).logits}, ("logits",)) <= 1e-5


def test_parts_of_units_are_not_rounded(make_bert, mask):
    masks = mask(make_bert(), grain="block")
    assert masks.pad_widths(8) == {}
