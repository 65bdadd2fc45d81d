"""A linear layer whose weight is masked on the fly: y = x (W * M)^T + b * m.

The masked weight is made anew in the forward and in the backward pass and never kept, so that masks cost no memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from prune.masking.grains import gather, spread


class _MaskedLinearFunction(torch.autograd.Function):
    """Gradients: dL/dW = (dL/dW') * M, and for each grain dL/dM_g = sum over (i, j) in g of (dL/dW'_ij) W_ij."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, mask: Tensor, bias: Tensor | None, bias_mask: Tensor
    ) -> Tensor:
        device = inputs.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        inputs = inputs.to(dtype)
        ctx.save_for_backward(inputs, weight, mask, bias_mask)
        outputs = _times_masked(inputs, weight.t(), mask.t())
        return outputs if bias is None else outputs.add_((bias * bias_mask).to(dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, mask, bias_mask = ctx.saved_tensors
        grad = grads[0].reshape(-1, weight.shape[0])
        for_inputs, for_weight, for_mask, for_bias, _ = ctx.needs_input_grad
        grad_inputs = grad_weight = grad_mask = grad_bias = None
        if for_inputs:
            grad_inputs = _times_masked(grad, weight, mask).view_as(inputs)
        if for_weight or for_mask:
            grad_weight = (grad.t() @ inputs.reshape(-1, weight.shape[1])).to(weight.dtype)
            if for_mask:
                grad_mask = gather(grad_weight * weight, (mask.shape[0], mask.shape[1]))
            mask_, grad_ = spread(mask, grad_weight)
            grad_.mul_(mask_)
        if for_bias:
            grad_bias = grad.sum(0, dtype=bias_mask.dtype) * bias_mask
        return grad_inputs, grad_weight, grad_mask, grad_bias, None


def _times_masked(values: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    """values (..., A) @ (weight * mask) (A, B), by whichever is less work: masking the weight, or the activations.

    A mask of whole rows or columns (heads, dimensions) commutes with the product, and activations of a short batch
    are smaller than the weight, and in the cache.
    """
    num_inputs, num_outputs = weight.shape
    num_tokens = values.numel() // num_inputs if num_inputs else 0
    if mask.shape[1] == 1 and num_tokens < num_outputs:
        return (values * _along(mask, num_inputs).to(values.dtype)) @ weight.to(values.dtype)
    if mask.shape[0] == 1 and num_tokens < num_inputs:
        return (values @ weight.to(values.dtype)).mul_(_along(mask, num_outputs).to(values.dtype))
    kept = masked(weight.t(), mask.t()).t() if weight.stride(0) == 1 else masked(weight, mask)
    return values @ kept.to(values.dtype)


def _along(mask: Tensor, length: int) -> Tensor:
    """A mask of one row or one column of tiles as a vector of `length` features."""
    flat = mask.flatten()
    return flat.repeat_interleave(length // len(flat))


def masked(weight: Tensor, mask: Tensor) -> Tensor:
    """W' = W * M for a weight (R, C) and a mask of tiles (R / r, C / c); no gradient."""
    mask_, weight_ = spread(mask, weight)
    return (weight_ * mask_).view_as(weight)


class MaskedLinear(nn.Linear):
    """An `nn.Linear` with the same parameters under the same names, and a mask that is set before each forward pass."""

    mask: Tensor
    """(R / r, C / c), in [0, 1], with the graph that leads to its scores."""
    bias_mask: Tensor
    """(R,): 0 where the whole row of the weight is masked."""

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
        layer = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        layer.weight, layer.bias = self.weight, self.bias
        with torch.no_grad():
            layer.weight.copy_(masked(self.weight, self.mask))
            if self.bias is not None:
                layer.bias.mul_(self.bias_mask)
        return layer

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = _MaskedLinearFunction.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.mask, self.bias, self.bias_mask
        )
        return result
