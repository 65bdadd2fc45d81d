"""A module that holds several matrices, or a transposed one, as masked linear layers side by side."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from prune.masking.linear import MaskedLinear


class MaskedParts(nn.Module):
    """Equal masked layers on the same input, their outputs one after the other: query, key and value of one module."""

    def __init__(self, module: Any, num_parts: int, transposed: bool):
        super().__init__()
        self._transposed = transposed
        weights = (module.weight.t() if transposed else module.weight).detach().chunk(num_parts)
        biases = [None] * num_parts if module.bias is None else module.bias.detach().chunk(num_parts)
        self.parts = nn.ModuleList(_linear(*pair) for pair in zip(weights, biases, strict=True))
        module.weight = module.bias = None
        self._emptied = (module,)  # a tuple, so that it is no submodule

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.cat([part(inputs) for part in self.parts], dim=-1)

    def unmasked(self) -> nn.Module:
        """The module as it was, with the masks multiplied into its parameters."""
        plain = [part.unmasked() for part in self.parts if isinstance(part, MaskedLinear)]
        module: nn.Module = self._emptied[0]
        weight = torch.cat([layer.weight.detach() for layer in plain])
        module.weight = nn.Parameter(weight.t().contiguous() if self._transposed else weight)
        if plain[0].bias is not None:
            module.bias = nn.Parameter(torch.cat([layer.bias.detach() for layer in plain]))
        return module


def _linear(weight: Tensor, bias: Tensor | None) -> MaskedLinear:
    layer = nn.Linear(1, 1, bias=bias is not None, device="meta")
    layer.out_features, layer.in_features = weight.shape
    layer.weight = nn.Parameter(weight.clone(memory_format=torch.contiguous_format))
    if bias is not None:
        layer.bias = nn.Parameter(bias.clone())
    return MaskedLinear.of(layer)
