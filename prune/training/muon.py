"""Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"), beside AdamW.

A matrix moves by the nearest orthogonal matrix to its momentum, so that directions that few examples ask for go as far
as those that all do. It is found block by block, in a small part of the time that whole matrices would take.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

_BLOCK = 64
"""Rows that are made orthogonal to each other: at most so many."""
_MOMENTUM = 0.95
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration, and its number of steps, as Jordan et al. have them."""
_ITERATIONS = 5
_SIZE = 0.2
"""Root mean square of a step relative to its learning rate: about AdamW's (Liu et al. 2025, "Muon is scalable for LLM
training", equation 4)."""
_LEAST = 1e-7


class Muon(AdamW):
    """AdamW, but for the groups of matrices with `orthogonal=True`, whose weight decay is decoupled, too."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all parameters that have a gradient; those of matrices are used up."""
        for group in self.param_groups:
            if group.get("orthogonal", False):
                for weight in group["params"]:
                    if weight.grad is not None:
                        self._move(weight, group["lr"], group["weight_decay"])
        return super().step(closure)

    def _move(self, weight: Tensor, rate: float, decay: float) -> None:
        gradient, state = weight.grad, self.state[weight]
        assert gradient is not None
        weight.grad = None  # AdamW leaves out what has none
        if not state:  # under AdamW's names, which it looks for in a checkpoint
            state["step"], state["exp_avg"] = torch.zeros(()), torch.zeros_like(weight)
        state["step"] += 1
        momentum = state["exp_avg"].lerp_(gradient, 1 - _MOMENTUM)
        ahead = gradient.lerp(momentum, _MOMENTUM)  # as Nesterov
        weight.mul_(1 - rate * decay)
        weight.add_(orthogonal(ahead), alpha=-rate * _SIZE * math.sqrt(max(weight.shape)))


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the orthogonal factor of each block of rows, or of columns where these are fewer, of a (rows, columns).

    Singular values come out between 0.6 and 1.3, whatever the matrix is multiplied by; those below a hundredth of a
    block's norm come out smaller.
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.t()
    rows, columns = wide.shape
    number = math.ceil(rows / _BLOCK)
    height = math.ceil(rows / number)
    padded = nn.functional.pad(wide, (0, 0, 0, number * height - rows)).float()
    blocks = _newton_schulz(padded.reshape(number, height, columns)).view(-1, columns)[:rows]
    return (blocks if wide is matrix else blocks.t()).to(matrix.dtype)


def _newton_schulz(blocks: Tensor) -> Tensor:
    """Of (blocks, rows, columns): a X + b (X X^T) X + c (X X^T)^2 X, several times."""
    a, b, c = _COEFFICIENTS
    blocks = blocks / blocks.norm(dim=(-2, -1), keepdim=True).clamp_min(_LEAST)
    for _ in range(_ITERATIONS):
        products = blocks @ blocks.mT
        blocks = torch.baddbmm(blocks, torch.baddbmm(products, products, products, beta=b, alpha=c), blocks, beta=a)
    return blocks


def layer_matrices(model: PreTrainedModel) -> list[Tensor]:
    """The weights of the linear layers below the head, which is what Muon is for; empty ones left out."""
    head = model.get_output_embeddings()  # of some models a part of what has no head, by its name
    linear = (m for m in model.base_model.modules() if isinstance(m, (nn.Linear, Conv1D)) and m is not head)
    return [m.weight for m in linear if m.weight.requires_grad and m.weight.numel()]
