"""Least-squares refit: output matrices make up for removed units (Kwon et al. 2022, section 4.3).

For each sublayer, first layer first: the weights of its output matrix that are left become those with which the pruned
model's units give the dense model's output as nearly as possible, on real examples. So errors of earlier layers are
made up for, too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prune.shrink.structure import Structure
from prune.sublayers import Matrix, Sublayer

_RIDGE = 1e-3
"""Pull towards the present weights, relative to the mean square of the units."""


class _Enough(Exception):
    """Ends a forward pass whose rest is not needed."""


@torch.no_grad()
def refit(
    model: PreTrainedModel,
    dense: PreTrainedModel,
    sublayers: list[Sublayer],
    kept: Mapping[str, tuple[int, ...]],
    batches: Iterable[Mapping[str, Tensor]],
) -> None:
    """Sets all but the `kept` units of `model` to zero and refits their columns of the output matrices, in place.

    `dense` is the same model before, with its zeros or without; `batches` are its inputs.
    """
    model.eval(), dense.eval()
    small = copy.deepcopy(model)
    structure = Structure(model.config.model_type, kept)
    structure.apply(small.base_model, sublayers)
    for sublayer in sublayers:
        if len(kept[sublayer.name]) and len(kept[sublayer.name]) < sublayer.num_units:
            _refit_one(small, dense, sublayer.matrices[-1], batches)
    structure.put_back(small, model, sublayers)


def _refit_one(
    small: PreTrainedModel, dense: PreTrainedModel, output: Matrix, batches: Iterable[Mapping[str, Tensor]]
) -> None:
    """Solves (X'X + r) W' = X'Y + r W0' for the weights W: X the small model's units, Y the dense outputs."""
    weight, bias = output.weight(small.base_model), output.bias(small.base_model)
    rows, columns = weight.shape
    gram = torch.zeros(columns, columns, dtype=torch.double, device=weight.device)
    products = torch.zeros(columns, rows, dtype=torch.double, device=weight.device)
    for batch in batches:
        wanted = _captured(dense, output.module, batch, lambda _, result: result)
        units = _captured(small, output.module, batch, lambda inputs, _: inputs)
        real = _real_tokens(batch, wanted)
        x = units.reshape(-1, units.shape[-1])[real].double()
        y = wanted.reshape(-1, wanted.shape[-1])[real].double()
        gram += x.T @ x
        products += x.T @ (y if bias is None else y - bias.double())
    present = weight.double()
    ridge = _RIDGE * gram.diagonal().mean() + torch.finfo(gram.dtype).tiny  # units may all be silent
    gram.diagonal().add_(ridge)
    weight.copy_(torch.linalg.solve(gram, products + ridge * present.T).T)


def _captured(
    model: PreTrainedModel, name: str, batch: Mapping[str, Tensor], pick: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Input or output of the module `name` in a pass of `model`, which ends there; of the first call, if several."""
    found: list[Tensor] = []

    def hook(_module: nn.Module, args: tuple[Any, ...], result: Tensor) -> None:
        found.append(pick(args[0], result))
        raise _Enough

    handle = model.base_model.get_submodule(name).register_forward_hook(hook)
    try:
        model(**batch)
    except _Enough:
        pass
    finally:
        handle.remove()
    return found[0]


def _real_tokens(batch: Mapping[str, Tensor], values: Tensor) -> Tensor:
    """Which of the tokens (flattened) that `values` (examples, tokens, ...) are about are no padding."""
    mask = batch.get("attention_mask")
    if mask is not None and mask.shape == values.shape[:2]:
        return mask.flatten().bool()
    return torch.ones(values.shape[:-1].numel(), dtype=torch.bool, device=values.device)
