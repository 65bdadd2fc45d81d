"""Gates: a factor of value 1 on every unit, whose gradient says what the unit is worth.

Fisher information (Theis et al. 2018; for units of transformers: Kwon et al. 2022, eq. 5): where a trained model's loss
L is flat, removing the units of a set R raises it by about 1/2 sum over r in R of E[(dL/dm_r)^2], with gates m = 1 and
the mean over examples. Interactions between units are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prune.models.sublayers import Sublayer
from prune.models.units import by_feature


class Gates:
    """Gates of one sublayer, one per example and unit, for as many passes as it is called in one forward pass."""

    def __init__(self, sublayer: Sublayer):
        self._sublayer = sublayer
        self._of_calls: list[Tensor] = []

    def apply(self, _module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """A forward pre-hook of the output matrix: its input (examples, ..., units x unit size) times the gates."""
        values, *rest = args
        output = self._sublayer.output
        gates = torch.ones(len(values), output.num_units, device=values.device, dtype=values.dtype, requires_grad=True)
        self._of_calls.append(gates)
        between = [1] * (values.dim() - 2)
        return values * by_feature(output, gates).view(len(values), *between, output.width), *rest

    def take_squares(self) -> Tensor:
        """Sum over examples of the squared gradients (units,), after a backward pass; forgets them."""
        gradients = [gates.grad for gates in self._of_calls if gates.grad is not None]
        self._of_calls.clear()
        return torch.stack(gradients).sum(0).square().sum(0)


@contextmanager
def gated(base: nn.Module, sublayers: list[Sublayer]) -> Iterator[Mapping[str, Gates]]:
    """Puts gates on all sublayers (named relative to `base`) for the time of the context."""
    gates = {sublayer.name: Gates(sublayer) for sublayer in sublayers}
    handles = [
        base.get_submodule(sublayer.output.module).register_forward_pre_hook(gates[sublayer.name].apply)
        for sublayer in sublayers
    ]
    try:
        yield gates
    finally:
        for handle in handles:
            handle.remove()
