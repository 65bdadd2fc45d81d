"""Masks that meet a budget: the threshold moves so that what they keep costs what the schedule allows.

Gradients and penalty rank the grains; the budget decides how many are kept. The share of the cost that is allowed falls
from 1 to its final value on the schedule that thresholds and densities follow elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

_CLOSE = 0.002
"""Tolerance of the share while training goes on; the last search ends at the largest share within the budget."""
_TRIES, _TRIES_AT_END = 24, 60


class Movable(Protocol):
    """What is needed of `Masks` here."""

    training: bool

    def keeps_cuts(self, step: int | None) -> bool: ...

    def move_thresholds(self, position: float, step: int | None = None) -> None: ...

    def refresh(self) -> None: ...

    def train(self, mode: bool = True) -> Any: ...


class BudgetController(nn.Module):
    """Searches for the position of the threshold, from 0 (everything is kept) to 1 (nothing is)."""

    position: Tensor
    """The present one; saved with the model."""
    share: float
    """What the masks may leave at the end of the schedule."""

    def __init__(self, share: float, left: Callable[[Any], float]):
        """`left`: masks -> the share that they leave."""
        super().__init__()
        self.share, self._left = share, left
        self.register_buffer("position", torch.zeros((), dtype=torch.float64))

    def advance(self, masks: Movable, ramp: float, step: int | None) -> None:
        """Moves the threshold to the position for `ramp`; `step` None: the exact one.

        Where there are many scores, it moves at every tenth step only.
        """
        if not masks.keeps_cuts(step):
            wanted = 1.0 + ramp * (self.share - 1.0)
            training = masks.training
            masks.train(False)  # gates that are drawn in training have their fixed values then
            with torch.no_grad():
                self.position.fill_(self._search(masks, wanted, step) if wanted < 1.0 else 0.0)
            masks.train(training)
        masks.move_thresholds(self.position.item(), step)

    def _search(self, masks: Movable, wanted: float, step: int | None) -> float:
        """The lowest position that keeps at most `wanted`, or one near it: bisection and secant steps in turn."""

        def excess(position: float) -> float:
            masks.move_thresholds(position, step)
            masks.refresh()
            return self._left(masks) - wanted

        if self.position == 0.0 and excess(0.0) <= 0.0:  # the whole model may cost less than all of what is counted
            return 0.0
        low, high = (0.0, 1.0 - wanted), (1.0, -wanted)
        tries = _TRIES if step is not None else _TRIES_AT_END
        for number in range(tries):
            secant = low[0] + (high[0] - low[0]) * low[1] / (low[1] - high[1])
            position = (low[0] + high[0]) / 2 if number % 2 else secant
            if number == 0 and self.position > 0.0:
                position = self.position.item()
            found = excess(position)
            if step is not None and abs(found) < _CLOSE:
                return position
            low, high = ((position, found), high) if found > 0 else (low, (position, found))
            if found == 0.0:
                break
        return high[0]
