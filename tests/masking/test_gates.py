"""Gates: their gradients are those of the loss with a unit scaled; the importance of every unit of every family."""

import pytest
import torch

from prune.masking.gates import gated
from prune.models.architecture import sublayers_of
from prune.pipeline.importance import importance
from tests.architectures import ARCHITECTURES, inputs


def batch_of(architecture):
    """Inputs and labels."""
    batch = inputs(architecture)
    if architecture.writes:
        batch["labels"] = batch.pop("decoder_input_ids", batch["input_ids"]).clone()
    else:
        batch["labels"] = torch.tensor([0, 1, 1])
    return batch


def scaled(model, sublayer, unit, factor):
    """The same model, with what a unit gives multiplied by `factor`."""
    size = sublayer.output.unit_size
    with torch.no_grad():
        sublayer.output.weight(model.base_model)[:, unit * size : (unit + 1) * size] *= factor


def test_importance_is_the_mean_square_of_the_slope_of_each_examples_loss(make_bert, ids):
    model, labels, step = make_bert().double(), torch.tensor([0, 1, 1]), 1e-6
    sublayers = sublayers_of(model)
    found = importance(model, sublayers, [{"input_ids": ids, "labels": labels}])
    for sublayer in sublayers:
        for unit in (0, sublayer.num_units - 1):
            slopes = []
            for row, label in zip(ids, labels, strict=True):
                losses = []
                for sign in (1, -1):
                    other = make_bert().double()
                    scaled(other, sublayer, unit, 1 + sign * step)
                    losses.append(other(input_ids=row[None], labels=label[None]).loss)
                slopes.append((losses[0] - losses[1]).item() / (2 * step))
            by_hand = sum(slope**2 for slope in slopes) / len(slopes)
            assert found[sublayer.name][unit].item() == pytest.approx(by_hand, rel=1e-3, abs=1e-12)


def test_it_is_a_mean_over_examples_however_they_are_batched(make_bert, ids):
    model, labels = make_bert(), torch.tensor([0, 1, 1])
    sublayers = sublayers_of(model)
    together = importance(model, sublayers, [{"input_ids": ids, "labels": labels}])
    apart = importance(
        model, sublayers, [{"input_ids": ids[:1], "labels": labels[:1]}, {"input_ids": ids[1:], "labels": labels[1:]}]
    )
    for name, values in together.items():
        assert torch.allclose(values, apart[name], rtol=1e-3)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_unit_of_every_family_has_one(name):
    model = ARCHITECTURES[name].model()
    found = importance(model, sublayers_of(model), [batch_of(ARCHITECTURES[name])])
    for sublayer in sublayers_of(model):
        assert found[sublayer.name].shape == (sublayer.num_units,)
        assert found[sublayer.name].max() > 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_units_of_zeros_have_none_and_change_nothing_of_the_others(name):
    model, whole = ARCHITECTURES[name].model().eval(), ARCHITECTURES[name].model().eval()
    batch, sublayers = batch_of(ARCHITECTURES[name]), sublayers_of(model)
    for one in (model, whole):
        for number, sublayer in enumerate(sublayers):
            for unit in range(0, sublayer.num_units, 2 if number else 1):
                scaled(one, sublayer, unit, 0.0)
    with gated(whole.base_model, sublayers) as gates:
        (whole(**batch).loss * len(batch["input_ids"])).backward()
        expected = {sublayer: of_sublayer.take_squares() for sublayer, of_sublayer in gates.items()}
    found = importance(model, sublayers, [batch])
    for sublayer in sublayers:
        values = found[sublayer.name] * len(batch["input_ids"])
        assert not values[::2].any()
        largest = float(expected[sublayer.name].max())
        assert torch.allclose(values, expected[sublayer.name], rtol=1e-3, atol=1e-3 * largest)


def test_where_nothing_is_left_nothing_is_worth_anything(make_bert, ids):
    model = make_bert()
    sublayers = sublayers_of(model)
    for sublayer in sublayers:
        for unit in range(sublayer.num_units):
            scaled(model, sublayer, unit, 0.0)
    found = importance(model, sublayers, [{"input_ids": ids, "labels": torch.tensor([0, 1, 1])}])
    assert not any(values.any() for values in found.values())


def test_gates_are_gone_afterwards(make_bert, ids):
    model = make_bert()
    before = model(input_ids=ids).logits
    with gated(model.base_model, sublayers_of(model)):
        assert torch.allclose(model(input_ids=ids).logits, before)
    assert not any(module._forward_pre_hooks for module in model.modules())
