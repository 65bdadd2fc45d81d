"""All masks of a model: the state of their schedule, and how much they keep.

A hook on the model computes them once per forward pass; so do hooks on its parts where one is called by itself, as
generation calls the encoder.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
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
"""Where there are more than `_EXACT_UP_TO` scores, thresholds are estimated from a sample of that size (three standard
deviations of the density: 0.8 points), every so many steps only, and computed exactly at the end."""
_RENAMED = {"steering.place": "budget_controller.position"}
"""Names of tensors in the files of older versions -> their present names."""


class Masks(nn.Module):
    """All masks of a model, and the state of their schedule."""

    def __init__(self, sites: dict[str, SiteMasking], banks: dict[str, Bank]):
        super().__init__()
        self.sites = sites
        self.banks = nn.ModuleDict(banks)
        self.ramp = 0.0
        self.budget_controller: BudgetController | None = None
        """Moves the thresholds where the masks have to meet a budget."""
        self._hooks: list[RemovableHandle] = []
        self._in_model = False
        self.register_load_state_dict_pre_hook(_rename)  # type: ignore[no-untyped-call]  # as its stubs have it

    def hook(self, model: nn.Module, parts: list[nn.Module]) -> None:
        """Makes forward passes of `model`, and of any of its `parts` alone, compute the masks first."""
        self._hooks = [
            model.register_forward_pre_hook(partial(_enter, self)),
            model.register_forward_hook(partial(_leave, self), always_call=True),
            *(part.register_forward_pre_hook(partial(_enter_part, self)) for part in parts),
        ]

    def unhook(self) -> None:
        """Removes the hooks."""
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

        `step` None (the end of training, or outside of it) computes all thresholds exactly.
        """
        self.ramp = ramp
        if self.budget_controller is not None:
            self.budget_controller.advance(self, ramp, step)
            return
        for name, site in self.sites.items():
            self._set_threshold(name, ramp * site.threshold, 1.0 + ramp * (site.density - 1.0), 0.0, step)

    def move_thresholds(self, position: float, step: int | None = None) -> None:
        """Moves all thresholds to `position`, from 0 (everything is kept) to 1 (nothing is), whatever the sites say.

        A threshold becomes `position` itself, a density 1 - `position`; gates are shifted by its logit.
        """
        shift = math.log(max(position, _SMALLEST)) - math.log(max(1.0 - position, _SMALLEST))
        for name in self.sites:
            self._set_threshold(name, position, 1.0 - position, shift, step)

    def _set_threshold(self, name: str, threshold: float, density: float, shift: float, step: int | None) -> None:
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

    def keep_best(self, counts: Mapping[str, int]) -> None:
        """Keeps so many of the best units of each sublayer, by its name, where grains are whole units."""
        for bank in self.all_banks():
            bank.keep_best(counts)
        self.refresh()

    def pad_widths(self, multiple: int) -> dict[str, int]:
        """Rounds widths up to a multiple where grains are whole units: site -> number of padding units."""
        return {
            site: sum(bank.pad_widths(multiple) for bank in self.of_site(site))
            for site, masking in self.sites.items()
            if GRAINS[masking.grain].whole_units
        }

    def keeps_cuts(self, step: int | None) -> bool:
        """Whether thresholds stay as they are at this step, since there are many scores."""
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
        """Name of each sublayer -> the units that keep weights under the masks of the last refresh."""
        return {
            sublayer.name: tuple(surviving.nonzero().flatten().tolist())
            for bank in self.all_banks()
            for sublayer, surviving in zip(bank.sublayers, bank.surviving, strict=True)
        }

    def densities(self) -> dict[str, float]:
        """Fraction of weights kept at each site, under the masks of the last forward pass."""
        whole = {site: sum(bank.num_weights for bank in self.of_site(site)) for site in self.sites}
        return {site: self.num_kept(site) / whole[site] for site in self.sites}

    def curves(self) -> dict[str, float]:
        """The quantities that change while masks are trained, by name and site, as of the last forward pass."""
        found = {f"density_{site}": density for site, density in self.densities().items()}
        for site, masking in self.sites.items():
            banks = list(self.of_site(site))
            found[f"units_{site}"] = float(sum(bank.surviving.sum().item() for bank in banks))
            found[f"penalty_weight_{site}"] = self.ramp * masking.penalty
            if banks and banks[0].threshold is not None:
                found[f"threshold_{site}"] = banks[0].threshold
        return found | {"ramp": self.ramp}

    def num_kept(self, site: str) -> float:
        """Number of weights of a site that are kept under the masks of the last forward pass."""
        return sum(bank.num_kept() for bank in self.of_site(site))


def _keeps_cuts(banks: Iterable[Bank], step: int | None) -> bool:
    if step is None or step % _STEPS_BETWEEN_CUTS == 0:
        return False
    return any(rows * columns > _EXACT_UP_TO for bank in banks for rows, columns in bank.shapes)


def _stride(num_scores: int, step: int | None) -> int:
    return 1 if step is None else -(-num_scores // _EXACT_UP_TO)


def _rename(_masks: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    for old, new in _RENAMED.items():
        if f"{prefix}{old}" in state:
            state[f"{prefix}{new}"] = state.pop(f"{prefix}{old}")


def _enter(masks: Masks, _model: nn.Module, _args: Any) -> None:
    masks.refresh()
    masks._in_model = True


def _leave(masks: Masks, _model: nn.Module, _args: Any, _outputs: Any) -> None:
    masks._in_model = False


def _enter_part(masks: Masks, _part: nn.Module, _args: Any) -> None:
    if not masks._in_model:
        masks.refresh()
