"""Steering: the cut is where the budget is met, whatever the criterion, and follows the schedule there."""

import pytest
import torch

from prune.criteria import of_masks
from prune.masking import masks as module_of_masks
from prune.masking.attach import attach
from prune.masking.bank import SiteMasking
from prune.masking.budget_controller import BudgetController
from prune.models.architecture import sublayers_of
from prune.runtime import registry

CRITERIA = of_masks()
UNITS = 3 * (4 + 48)


def masked(make_bert, criterion, grains=("head", "dimension")):
    model = make_bert(intermediate_size=48, num_hidden_layers=3)
    sites = {
        site: SiteMasking(registry.module("criteria", criterion).CRITERION, grain, (4, 4), 0.5, 0.1, 1.0)
        for site, grain in zip(("attention", "feed_forward"), grains, strict=True)
    }
    masks = attach(model, model.base_model, sublayers_of(model), sites, 0)
    generator = torch.Generator().manual_seed(0)
    for bank in masks.all_banks():
        for scores in bank.scores:
            scores.data += torch.randn(scores.shape, generator=generator)
    return masks


def share_of_units(masks):
    return sum(map(len, masks.units_left().values())) / UNITS


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_the_end_is_the_largest_share_within_the_budget(make_bert, criterion, share):
    """Where every layer has a cut of its own, one unit of each may be missing to the budget."""
    masks = masked(make_bert, criterion)
    masks.budget_controller = BudgetController(share, share_of_units)
    masks.advance(1.0)
    masks.refresh()
    missing = 6 if masks.sites["attention"].criterion.setting == "density" else 1
    assert share - missing / UNITS - 1e-9 < share_of_units(masks.eval()) <= share


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_share_follows_the_schedule(make_bert, criterion):
    masks = masked(make_bert, criterion)
    masks.budget_controller = BudgetController(0.2, share_of_units)
    masks.eval()
    for step, ramp in enumerate((0.0, 0.25, 0.5, 1.0)):
        masks.advance(ramp, 10 * step)
        masks.refresh()
        assert share_of_units(masks) == pytest.approx(1 - 0.8 * ramp, abs=0.03)


def test_between_cuts_through_very_many_scores_the_cut_stays(make_bert, monkeypatch):
    monkeypatch.setattr(module_of_masks, "_EXACT_UP_TO", 10)
    masks = masked(make_bert, "soft_movement")
    masks.budget_controller = BudgetController(0.2, share_of_units)
    masks.advance(0.5, 10)
    position = masks.budget_controller.position.item()
    masks.advance(0.9, 11)
    assert masks.budget_controller.position == position
    masks.advance(0.9, 20)
    assert masks.budget_controller.position > position


def test_the_most_important_units_go_last(make_bert):
    """Scores of all kinds of grains begin with the importance of the units they lie in."""
    for grains in (("head", "dimension"), ("block", "dimension"), ("block", "block")):
        masks = masked(make_bert, "soft_movement", grains)
        for bank in masks.all_banks():
            for scores in bank.scores:
                scores.data.zero_()
            units = len(bank.surviving[0])
            bank.start_from(torch.linspace(-1, 1, units).repeat(len(bank.sublayers), 1))
        masks.budget_controller = BudgetController(0.5, share_of_units)
        masks.advance(1.0)
        masks.refresh()
        for units in masks.units_left().values():
            assert units == tuple(range(units[0], 4 if units[-1] == 3 else 48))


def test_the_position_in_an_older_versions_file_is_read(make_bert):
    masks = masked(make_bert, "soft_movement")
    masks.budget_controller = BudgetController(0.5, share_of_units)
    model = torch.nn.ModuleDict({"masks": masks})
    state = model.state_dict()
    del state["masks.budget_controller.position"]
    model.load_state_dict(state | {"masks.steering.place": torch.tensor(0.25, dtype=torch.float64)})
    assert masks.budget_controller.position == 0.25
