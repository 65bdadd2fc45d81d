"""All masks of a model: where their schedule stands, and what they leave.

They are computed once per forward pass, by a hook on the model, or on one of its parts where that is called by itself,
as generation calls the encoder.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from prune.masking.bank import Bank, SiteMasking
from prune.masking.binarize import cut_for_density, sample
from prune.masking.budget_controller import BudgetController
from prune.masking.grains import GRAINS

_SMALLEST = 1e-12
_EXACT_UP_TO = 1 << 15
_STEPS_BETWEEN_CUTS = 10
"""Cuts through more than `_EXACT_UP_TO` scores are found again only at every so many steps, through a sample of that
size (three standard deviations of the density: 0.8 points), and exactly at the end."""


class Masks(nn.Module):
    """All masks of a model, and where their schedule stands."""

    def __init__(self, sites: dict[str, SiteMasking], banks: dict[str, Bank]):
        super().__init__()
        self.sites = sites
        self.banks = nn.ModuleDict(banks)
        self.ramp = 0.0
        self.budget_controller: BudgetController | None = None
        """What moves the cuts, where they are to keep to a budget."""
        self._hooks: list[RemovableHandle] = []
        self._in_model = False

    def hook(self, model: nn.Module, parts: list[nn.Module]) -> None:
        """Lets forward passes of `model`, and of its `parts` alone, compute the masks first."""
        self._hooks = [
            model.register_forward_pre_hook(partial(_enter, self)),
            model.register_forward_hook(partial(_leave, self), always_call=True),
            *(part.register_forward_pre_hook(partial(_enter_part, self)) for part in parts),
        ]

    def unhook(self) -> None:
        """Undoes `hook`."""
        for handle in self._hooks:
            handle.remove()

    def all_banks(self) -> Iterator[Bank]:
        """The banks of all sites."""
        for bank in self.banks.values():
            assert isinstance(bank, Bank)
            yield bank

    def of_site(self, site: str) -> Iterator[Bank]:
        """The banks of one site."""
        return (bank for bank in self.all_banks() if bank.sublayers[0].site == site)

    def advance(self, ramp: float, step: int | None = None) -> None:
        """Moves thresholds, densities and penalties to `ramp` (0: start of the schedule, 1: its end) for `step`.

        `step` None (the end of training, or outside of it) finds every cut anew.
        """
        self.ramp = ramp
        if self.budget_controller is not None:
            self.budget_controller.advance(self, ramp, step)
            return
        for name, site in self.sites.items():
            self._place(name, ramp * site.threshold, 1.0 + ramp * (site.density - 1.0), 0.0, step)

    def cut_at(self, place: float, step: int | None = None) -> None:
        """Cuts all scores at `place`, from 0 (all is kept) to 1 (nothing is), whatever the sites say.

        For a threshold it is the threshold, for a density what is missing to 1; gates move by its logit.
        """
        shift = math.log(max(place, _SMALLEST)) - math.log(max(1.0 - place, _SMALLEST))
        for name in self.sites:
            self._place(name, place, 1.0 - place, shift, step)

    def _place(self, name: str, threshold: float, density: float, shift: float, step: int | None) -> None:
        site, banks = self.sites[name], list(self.of_site(name))
        if site.criterion.setting == "density":
            self._cut(banks, site, density, step)
        for bank in banks:
            if site.criterion.setting == "threshold":
                bank.threshold = threshold
            elif site.criterion.setting == "penalty":
                bank.shift = shift

    @staticmethod
    def _cut(banks: list[Bank], site: SiteMasking, density: float, step: int | None) -> None:
        if density == 1.0:
            for bank in banks:
                bank.cuts.fill_(-torch.inf)
            return
        if _keeps_cuts(banks, step):
            return
        if site.pooled:
            ranks = [rank for bank in banks for rank in bank.ranks()]
            stride = _stride(sum(rank.numel() for rank in ranks), step)
            pool = torch.cat([sample(rank, stride) for rank in ranks])
            for bank in banks:
                bank.cuts.fill_(cut_for_density(pool, density))
        else:
            for bank in banks:
                cuts = [
                    torch.stack([cut_for_density(sample(one, _stride(one.numel(), step)), density) for one in rank])
                    for rank in bank.ranks()
                ]
                bank.cuts.copy_(torch.stack(cuts))

    def spare(self, multiple: int) -> dict[str, int]:
        """Rounds widths up to a multiple, where grains are whole units: see `Bank.spare`. Site -> units that stay."""
        return {
            site: sum(bank.spare(multiple) for bank in self.of_site(site))
            for site, masking in self.sites.items()
            if GRAINS[masking.grain].shared
        }

    def keeps_cuts(self, step: int | None) -> bool:
        """Whether there are so many scores that a cut through all of them is not found at this step."""
        return _keeps_cuts(self.all_banks(), step)

    def refresh(self) -> None:
        """Computes all masks from the scores."""
        for bank in self.all_banks():
            bank.refresh()

    def penalty(self) -> Tensor | float:
        """The regulariser: ramp * sum over sites of lambda_site * mean over its score tensors, divided by 2.

        With the division, the penalties of the published networks (5 to 60) mean the same here.
        """
        total: Tensor | float = 0.0
        for name, site in self.sites.items():
            terms = [
                (term, len(bank.sublayers))
                for bank in self.of_site(name)
                for scores in bank.scores
                if (term := site.criterion.penalty(scores)) is not None
            ]
            if terms and site.penalty and self.ramp:
                mean = sum(term * count for term, count in terms) / sum(count for _, count in terms)
                total = total + self.ramp * site.penalty / 2 * mean
        return total

    def units_left(self) -> dict[str, tuple[int, ...]]:
        """Name of each sublayer -> the units that the masks of the last refresh leave any weights."""
        return {
            sublayer.name: tuple(alive.nonzero().flatten().tolist())
            for bank in self.all_banks()
            for sublayer, alive in zip(bank.sublayers, bank.alive, strict=True)
        }

    def densities(self) -> dict[str, float]:
        """Fraction of weights kept at each site, by the masks of the last forward pass."""
        whole = {site: sum(bank.num_weights for bank in self.of_site(site)) for site in self.sites}
        return {site: self.num_kept(site) / whole[site] for site in self.sites}

    def curves(self) -> dict[str, float]:
        """What moves while masks are trained, by name and site, as the last forward pass found it."""
        found = {f"density_{site}": density for site, density in self.densities().items()}
        for site, masking in self.sites.items():
            banks = list(self.of_site(site))
            found[f"units_{site}"] = float(sum(bank.alive.sum().item() for bank in banks))
            found[f"penalty_weight_{site}"] = self.ramp * masking.penalty
            if banks and banks[0].threshold is not None:
                found[f"threshold_{site}"] = banks[0].threshold
        return found | {"ramp": self.ramp}

    def num_kept(self, site: str) -> float:
        """Number of weights of a site that the masks of the last forward pass keep."""
        return sum(bank.num_kept() for bank in self.of_site(site))


def _keeps_cuts(banks: Iterable[Bank], step: int | None) -> bool:
    if step is None or step % _STEPS_BETWEEN_CUTS == 0:
        return False
    return any(rows * columns > _EXACT_UP_TO for bank in banks for rows, columns in bank.shapes)


def _stride(num_scores: int, step: int | None) -> int:
    return 1 if step is None else -(-num_scores // _EXACT_UP_TO)


def _enter(masks: Masks, _model: nn.Module, _args: Any) -> None:
    masks.refresh()
    masks._in_model = True


def _leave(masks: Masks, _model: nn.Module, _args: Any, _outputs: Any) -> None:
    masks._in_model = False


def _enter_part(masks: Masks, _part: nn.Module, _args: Any) -> None:
    if not masks._in_model:
        masks.refresh()
