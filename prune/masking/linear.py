"""A linear layer whose weight is masked on the fly: y = x (W * M)^T + b * m.

On a CPU the masked weight is made anew in the forward and in the backward pass and never kept, since memory is what a
step waits for there. Elsewhere it is the starting of operations: there the masked weights of equal layers are made
together, by a few operations for all of them, and kept for the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prune.masking.grains import gather, spread


class _MaskedLinearFunction(torch.autograd.Function):
    """Gradients: dL/dW = (dL/dW') * M, and for each grain dL/dM_g = sum over (i, j) in g of (dL/dW'_ij) W_ij."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, mask: Tensor, factor: Tensor, bias: Tensor | None, bias_mask: Tensor
    ) -> Tensor:
        dtype = _dtype_of_products(weight)
        inputs = inputs.to(dtype)
        ctx.save_for_backward(inputs, weight, factor, bias_mask)
        ctx.mask_shape = mask.shape
        kept_bias = None if bias is None else (bias * bias_mask).to(dtype)
        return functional.linear(inputs, masked(weight, factor).to(dtype), kept_bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, factor, bias_mask = ctx.saved_tensors
        grad = grads[0].reshape(-1, weight.shape[0])
        for_inputs, for_weight, for_mask, _, for_bias, _ = ctx.needs_input_grad
        grad_inputs = grad_weight = grad_mask = grad_bias = None
        if for_inputs:
            grad_inputs = (grad @ masked(weight, factor).to(grad.dtype)).view_as(inputs)
        if for_weight or for_mask:
            grad_weight = (grad.t() @ inputs.reshape(-1, weight.shape[1])).to(weight.dtype)
            if for_mask:
                grad_mask = gather(grad_weight * weight, ctx.mask_shape)
            _tiled(grad_weight, factor).mul_(factor)
        if for_bias:
            grad_bias = grad.sum(0, dtype=bias_mask.dtype) * bias_mask
        return grad_inputs, grad_weight, grad_mask, None, grad_bias, None


def masked_together(
    layers: Sequence[MaskedLinear], masks: Tensor, bias_masks: Tensor
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """W * M and b * m of equal layers, in the type of their products. Shapes: `masks` (L, R / r, C / c); `bias_masks`
    (L, R).
    """
    first = layers[0]
    dtype = _dtype_of_products(first.weight)
    weights = torch.stack([layer.weight for layer in layers])
    factors = spread(masks, first.in_features)
    tiled = weights.view(*factors.shape[:2], -1, first.in_features)
    kept = (tiled * factors).to(dtype).view_as(weights).unbind()
    bias: Tensor | None = first.bias
    if bias is None:
        return zip(kept, [None] * len(kept), strict=True)
    biases = torch.stack([layer.bias for layer in layers])
    return zip(kept, (biases * bias_masks).to(dtype).unbind(), strict=True)


def _dtype_of_products(weight: Tensor) -> torch.dtype:
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


def masked(weight: Tensor, factor: Tensor) -> Tensor:
    """W' = W * M for a weight (R, C) and its mask, spread: (R / r, 1, C or 1); no gradient."""
    return (_tiled(weight, factor) * factor).view_as(weight)


def _tiled(weight: Tensor, factor: Tensor) -> Tensor:
    return weight.view(len(factor), -1, weight.shape[1])


def _along(mask: Tensor, features: Tensor) -> Tensor:
    """A mask of one row or one column of tiles as numbers for the last axis of `features`."""
    flat, length = mask.flatten(), features.shape[-1]
    return (flat if len(flat) == length else flat.repeat_interleave(length // len(flat))).to(features.dtype)


def _add_to(bias: Tensor | None, outputs: Tensor, mask: Tensor) -> Tensor:
    """outputs * mask + bias, in one pass."""
    return outputs * mask if bias is None else torch.addcmul(bias.to(outputs.dtype), outputs, mask)


class MaskedLinear(nn.Linear):
    """An `nn.Linear` with the same parameters under the same names, and a mask that is set before each forward pass."""

    mask: Tensor
    """(R / r, C / c), in [0, 1], with the graph that leads to its scores."""
    factor: Tensor
    """The same numbers, spread: (R / r, 1, C or 1), without a graph."""
    bias_mask: Tensor
    """(R,): 0 where the whole row of the weight is masked."""
    ready: tuple[Tensor, Tensor | None] | None = None
    """Weight and bias with the masks in them, where those of equal layers are made together."""

    @classmethod
    def of(cls, linear: nn.Linear) -> MaskedLinear:
        """A masked layer with the very parameters of `linear`."""
        layer = cls.__new__(cls)
        nn.Module.__init__(layer)
        layer.in_features, layer.out_features = linear.in_features, linear.out_features
        layer.weight, layer.bias = linear.weight, linear.bias
        return layer

    def set_mask(self, mask: Tensor, bias_mask: Tensor, factor: Tensor | None = None) -> None:
        """Takes the masks of the next forward passes. `factor`: `spread(mask)` where the caller has it already."""
        self.mask, self.bias_mask = mask, bias_mask
        self.factor = spread(mask.detach(), self.in_features) if factor is None else factor

    def unmasked(self) -> nn.Linear:
        """A plain layer with the masks multiplied into the parameters."""
        layer = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        layer.weight, layer.bias = self.weight, self.bias
        with torch.no_grad():
            layer.weight.copy_(masked(self.weight, self.factor))
            if self.bias is not None:
                layer.bias.mul_(self.bias_mask)
        return layer

    def _kept_bias(self) -> Tensor | None:
        bias: Tensor | None = self.bias
        return None if bias is None else bias * self.bias_mask

    def forward(self, input: Tensor) -> Tensor:
        if self.ready is not None:
            return functional.linear(input, *self.ready)
        # A mask of whole rows or columns commutes with the product, and the activations of a short batch are smaller
        # than the weight: then they are masked instead of it.
        num_tokens = input.numel() // max(1, self.in_features)
        if self.mask.shape[1] == 1 and num_tokens < self.in_features:
            outputs = functional.linear(input, self.weight)
            return _add_to(self._kept_bias(), outputs, _along(self.mask, outputs))
        if self.mask.shape[0] == 1 and num_tokens < self.out_features:
            return functional.linear(input * _along(self.mask, input), self.weight, self._kept_bias())
        result: Tensor = _MaskedLinearFunction.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.mask, self.factor, self.bias, self.bias_mask
        )
        return result
