"""Saliencies: gradients of gates are those of the loss with a unit scaled; that of every unit of every family."""

import subprocess
import sys

import pytest
import torch

from prune.criteria.saliency import Saliency
from prune.criteria.saliency.fisher import SALIENCY
from prune.masking.gates import gated
from prune.models.architecture import sublayers_of
from prune.pipeline.importance import importance
from prune.runtime import registry
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
    found = importance(SALIENCY, model, sublayers, [{"input_ids": ids, "labels": labels}])
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
    together = importance(SALIENCY, model, sublayers, [{"input_ids": ids, "labels": labels}])
    apart = importance(
        SALIENCY,
        model,
        sublayers,
        [{"input_ids": ids[:1], "labels": labels[:1]}, {"input_ids": ids[1:], "labels": labels[1:]}],
    )
    for name, values in together.items():
        assert torch.allclose(values, apart[name], rtol=1e-3)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_unit_of_every_family_has_one(name):
    model = ARCHITECTURES[name].model()
    found = importance(SALIENCY, model, sublayers_of(model), [batch_of(ARCHITECTURES[name])])
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
        expected = {sublayer: of_sublayer.take_gradients().square().sum(0) for sublayer, of_sublayer in gates.items()}
    found = importance(SALIENCY, model, sublayers, [batch])
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
    found = importance(SALIENCY, model, sublayers, [{"input_ids": ids, "labels": torch.tensor([0, 1, 1])}])
    assert not any(values.any() for values in found.values())


def test_gates_are_gone_afterwards(make_bert, ids):
    model = make_bert()
    before = model(input_ids=ids).logits
    with gated(model.base_model, sublayers_of(model)):
        assert torch.allclose(model(input_ids=ids).logits, before)
    assert not any(module._forward_pre_hooks for module in model.modules())


class Snip(Saliency):
    """|dL/dm| (Lee et al. 2019, SNIP, eq. 6), of units: the mean over batches."""

    def score(self, model, sublayers, batches):
        total = {s.name: torch.zeros(s.num_units) for s in sublayers}
        with gated(model.base_model, sublayers) as gates:
            for batch in batches:
                model(**batch).loss.backward()
                for name, of_sublayer in gates.items():
                    total[name] += of_sublayer.take_gradients().sum(0).abs()
        return total


class Grasp(Saliency):
    """(H g) m at m = 1, with the gradient g and the Hessian H of the loss (Wang et al. 2020, GraSP, eq. 8)."""

    def score(self, model, sublayers, batches):
        total = {s.name: torch.zeros(s.num_units) for s in sublayers}
        with gated(model.base_model, sublayers) as gates:
            for batch in batches:
                loss = model(**batch).loss
                own = [gate for of_sublayer in gates.values() for gate in of_sublayer.take()]
                slopes = torch.autograd.grad(loss, own, create_graph=True)
                products = torch.autograd.grad(sum(slope.square().sum() / 2 for slope in slopes), own)
                for name, product in zip(total, products, strict=True):
                    total[name] += product.sum(0)
        return total


@pytest.mark.parametrize("saliency", [Snip(), Grasp()], ids=["snip", "grasp"])
def test_others_are_a_file_each(saliency, make_bert, ids):
    """Against differences of the loss, and of half its squared slope, with a unit scaled."""
    batch, step = {"input_ids": ids[:1], "labels": torch.tensor([1])}, 1e-5

    def make():
        return make_bert(attn_implementation="eager").double()  # which has a second derivative

    def measured(model):
        if isinstance(saliency, Snip):
            return model(**batch).loss.item()
        with gated(model.base_model, sublayers) as gates:
            model(**batch).loss.backward()
            return sum(one.take_gradients().square().sum().item() for one in gates.values()) / 2

    sublayers = sublayers_of(make())
    found = saliency.score(make(), sublayers, [batch])
    sublayer = sublayers[1]
    for unit in (0, 5):
        values = []
        for sign in (1, -1):
            model = make()
            scaled(model, sublayer, unit, 1 + sign * step)
            values.append(measured(model))
        slope = (values[0] - values[1]) / (2 * step)
        if isinstance(saliency, Snip):
            slope = abs(slope)
        else:  # scaling the columns scales the slope of the unit's own gate, too
            with gated((model := make()).base_model, sublayers) as gates:
                model(**batch).loss.backward()
                slope -= gates[sublayer.name].take_gradients()[0, unit].item() ** 2
        assert found[sublayer.name][unit].item() == pytest.approx(slope, rel=1e-3, abs=1e-12)


def test_which_criteria_a_method_can_use_is_known_without_torch():
    code = """
import sys
from prune import criteria
from prune.runtime import registry
assert criteria.of_units() == ["fisher"]
assert "fisher" not in criteria.of_masks() and "movement" in criteria.of_masks()
assert registry.names("criteria") == sorted([*criteria.of_masks(), *criteria.of_units()])
assert "torch" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_found_by_its_name():
    assert registry.module("criteria", "fisher") is registry.module("saliencies", "fisher")
    assert registry.module("saliencies", "fisher").SALIENCY is SALIENCY
    with pytest.raises(registry.UnknownPart, match="not one of the saliencies"):
        registry.module("saliencies", "magnitude")
