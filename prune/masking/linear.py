"""A linear layer with a masked weight: y = x (W * M)^T + b * m.

The masked weights of equal layers are computed together, once per forward pass: on a GPU, launching an operation per
layer would take longer. They are as large as the weights, and all that masks keep for the backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prune.masking.tiles import gather, spread


class _MaskedWeights(torch.autograd.Function):
    """Gradients: dL/dW = (dL/dW') * M, and for each grain dL/dM_g = sum over (i, j) in g of (dL/dW'_ij) W_ij."""

    @staticmethod
    def forward(ctx: Any, masks: Tensor, dtype: torch.dtype, *weights: Tensor) -> tuple[Tensor, ...]:
        factors = spread(masks, weights[0].shape[1])
        ctx.save_for_backward(factors, *weights)
        ctx.mask_shape = masks.shape
        kept = torch.stack(weights)
        _tiled(kept, factors).mul_(factors)
        return kept.to(dtype).unbind()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        factors, *weights = ctx.saved_tensors
        for_masks, _, *for_weights = ctx.needs_input_grad
        grad = torch.stack(grads).to(weights[0].dtype)
        grad_masks = gather(torch.stack(weights).mul_(grad), ctx.mask_shape[1:]) if for_masks else None
        if not any(for_weights):
            return grad_masks, None, *[None] * len(weights)
        _tiled(grad, factors).mul_(factors)
        return grad_masks, None, *grad.unbind()


def mask_together(layers: Sequence[MaskedLinear], masks: Tensor) -> None:
    """Gives equal layers their masked weights and biases for the next forward passes. `masks`: (L, R / r, C / c).

    A bias is masked where the whole row of its weight is.
    """
    weights = [layer.weight for layer in layers]
    device = masks.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weights[0].dtype
    kept = _MaskedWeights.apply(masks, dtype, *weights)  # type: ignore[no-untyped-call]
    biases: Sequence[Tensor | None] = [layer.bias for layer in layers]
    if given := [bias for bias in biases if bias is not None]:
        biases = (torch.stack(given) * _row_masks(masks.detach(), len(given[0]))).to(dtype).unbind()
    for layer, weight, bias in zip(layers, kept, biases, strict=True):
        layer.masked = weight, bias


def _row_masks(masks: Tensor, rows: int) -> Tensor:
    """(L, rows): 1 where a row holds any weight."""
    kept = masks.amax(2) > 0  # ten times as fast as any() on CPU
    return kept.repeat_interleave(rows // kept.shape[1], dim=1).to(masks.dtype)


def _tiled(weights: Tensor, factors: Tensor) -> Tensor:
    """Weights (L, R, C) as (L, R / r, r, C), over which `factors` broadcast."""
    return weights.view(*factors.shape[:2], -1, weights.shape[-1])


class MaskedLinear(nn.Linear):
    """An `nn.Linear` with the same parameters under the same names; `mask_together` gives it what it computes with."""

    masked: tuple[Tensor, Tensor | None]
    """W * M and b * m, with the graphs that lead to the parameters and to the masks' scores."""

    @classmethod
    def of(cls, linear: nn.Linear) -> MaskedLinear:
        """A masked layer with the very parameters of `linear`."""
        layer = cls.__new__(cls)
        nn.Module.__init__(layer)
        layer.in_features, layer.out_features = linear.in_features, linear.out_features
        layer.weight, layer.bias = linear.weight, linear.bias
        return layer

    def unmasked(self) -> nn.Linear:
        """A plain layer with the masks multiplied into the parameters."""
        weight, bias = self.masked
        layer = nn.Linear(self.in_features, self.out_features, bias=bias is not None, device="meta")
        layer.weight, layer.bias = self.weight, self.bias
        with torch.no_grad():
            layer.weight.copy_(weight)
            if bias is not None:
                layer.bias.copy_(bias)
        return layer

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, *self.masked)
