"""Steering: masks that keep to a budget. The cut moves so that what they leave costs what the schedule says.

Gradients and penalty order the scores; how many grains stay is the budget's. The share of the whole that may be left
goes from 1 to its end as thresholds and densities do elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

_CLOSE = 0.002
"""How far from its share a cut may be while training goes on; at the end it is the closest one within the budget."""
_TRIES, _TRIES_AT_END = 24, 60


class Cuttable(Protocol):
    """Masks, as far as they are moved here: see `Masks`."""

    training: bool

    def keeps_cuts(self, step: int | None) -> bool: ...

    def cut_at(self, place: float, step: int | None = None) -> None: ...

    def refresh(self) -> None: ...

    def train(self, mode: bool = True) -> Any: ...


class BudgetController(nn.Module):
    """Finds the place of the cut, from 0 (all is kept) to 1 (nothing is)."""

    place: Tensor
    """Where it is; saved with the model."""
    share: float
    """What the masks may leave at the end of the schedule."""

    def __init__(self, share: float, left: Callable[[Any], float]):
        """`left`: masks -> the share that they leave."""
        super().__init__()
        self.share, self._left = share, left
        self.register_buffer("place", torch.zeros((), dtype=torch.float64))

    def advance(self, masks: Cuttable, ramp: float, step: int | None) -> None:
        """Moves the cut to where it belongs at `ramp`; `step` None: exactly there.

        Through very many scores it is moved at every tenth step only.
        """
        if not masks.keeps_cuts(step):
            wanted = 1.0 + ramp * (self.share - 1.0)
            training = masks.training
            masks.train(False)  # gates that are drawn in training have their fixed values then
            with torch.no_grad():
                self.place.fill_(self._search(masks, wanted, step) if wanted < 1.0 else 0.0)
            masks.train(training)
        masks.cut_at(self.place.item(), step)

    def _search(self, masks: Cuttable, wanted: float, step: int | None) -> float:
        """The lowest place that leaves at most `wanted`, or one near it: bisection, and the secant in between."""

        def excess(place: float) -> float:
            masks.cut_at(place, step)
            masks.refresh()
            return self._left(masks) - wanted

        if self.place == 0.0 and excess(0.0) <= 0.0:  # the whole model may cost less than all of what is counted
            return 0.0
        low, high = (0.0, 1.0 - wanted), (1.0, -wanted)
        tries = _TRIES if step is not None else _TRIES_AT_END
        for number in range(tries):
            secant = low[0] + (high[0] - low[0]) * low[1] / (low[1] - high[1])
            place = (low[0] + high[0]) / 2 if number % 2 else secant
            if number == 0 and self.place > 0.0:
                place = self.place.item()
            found = excess(place)
            if step is not None and abs(found) < _CLOSE:
                return place
            low, high = ((place, found), high) if found > 0 else (low, (place, found))
            if found == 0.0:
                break
        return high[0]
