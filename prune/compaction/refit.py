"""Least-squares refit: output matrices compensate for removed units (Kwon et al. 2022, section 4.3).

Sublayer by sublayer, first layer first, the remaining weights of the output matrix are fitted so that the pruned
model's units reproduce the dense model's output on real examples. This compensates for errors of earlier layers, too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from prune.compaction.structure import Structure
from prune.models.sublayers import Matrix, Sublayer
from prune.runtime.progress_bar import track

Batch = Mapping[str, Tensor]
_RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Strengths of the ridge towards the present weights, in tokens; cross-validation chooses one for each matrix."""
_KEPT_BYTES = 2**28
"""At most so much of the dense model's outputs is kept at a time."""


class _StopForward(Exception):
    """Ends a forward pass whose remainder is not needed."""


@torch.no_grad()
def refit(
    model: PreTrainedModel,
    dense: PreTrainedModel,
    sublayers: list[Sublayer],
    kept: Mapping[str, tuple[int, ...]],
    batches: Sequence[Batch],
    first_token_only: bool = False,
) -> None:
    """Sets all but the `kept` units of `model` to zero and refits their columns of the output matrices, in place.

    `dense` is the same model before, with its zeros or without; `batches` are its inputs. `first_token_only`: whether
    the head reads the first token only, so that others do not count after the last attention with heads.
    """
    model.eval(), dense.eval()
    small = copy.deepcopy(model)
    structure = Structure(model.config.model_type, kept, first_token_only=first_token_only)
    structure.apply(small.base_model, sublayers)
    changed = [s.output for s in sublayers if 0 < len(kept[s.name]) < s.num_units]
    for output, wanted in track(_with_outputs(dense, changed, batches), "refitting output matrices", len(changed)):
        _refit_one(small, output, batches, wanted)
    structure.put_back(small, model, sublayers)


def _with_outputs(
    dense: PreTrainedModel, changed: Sequence[Matrix], batches: Sequence[Batch]
) -> Iterator[tuple[Matrix, Sequence[Tensor]]]:
    """Each matrix with its outputs in the dense model, for each batch."""
    for group in _groups(changed, batches):
        names = [output.module for output in group]
        of_batches = [_captured(dense, names, batch, lambda _, result: result.clone()) for batch in batches]
        for index, output in enumerate(group):
            yield output, [of_batch[index] for of_batch in of_batches]


def _groups(outputs: Sequence[Matrix], batches: Sequence[Batch]) -> Iterator[Sequence[Matrix]]:
    """Neighbours whose outputs for all `batches` are small enough to be kept, from one pass."""
    tokens = sum(batch["input_ids"].numel() for batch in batches)
    widest = max((output.rows for output in outputs), default=1)
    size = max(1, _KEPT_BYTES // (4 * widest * max(1, tokens)))
    for start in range(0, len(outputs), size):
        yield outputs[start : start + size]


def _refit_one(small: PreTrainedModel, output: Matrix, batches: Sequence[Batch], wanted: Sequence[Tensor]) -> None:
    """Fits the weights of `output`, so that the small model's units give the outputs that are `wanted`.

    Those are the dense model's, (examples, ..., rows) of each batch; tokens that the small model does not compute are
    ignored. The ridge towards the present weights is chosen by twofold cross-validation.
    """
    weight, bias = output.weight(small.base_model), output.bias(small.base_model)
    halves = _Sums.none(weight), _Sums.none(weight)
    for batch, dense in zip(batches, wanted, strict=True):
        (units,) = _captured(small, [output.module], batch, lambda inputs, _: inputs)
        # After the last attention the small model may compute the first token only.
        read = dense if units.shape[:-1] == dense.shape[:-1] else dense[:, : units.shape[1]]
        real = _real_tokens(batch, read)
        for index, half in enumerate(halves):
            of_half = real[index::2]
            half.add(units[index::2][of_half], read[index::2][of_half] - (0.0 if bias is None else bias))
    present = weight.double().T
    one, other = halves

    def error(strength: float) -> float:
        return one.error(other.weights(present, strength)) + other.error(one.weights(present, strength))

    weight.copy_(one.plus(other).weights(present, min(_RIDGES, key=error)).T)


@dataclass
class _Sums:
    """Sufficient statistics of a least-squares fit of outputs Y (tokens, rows) to units X (tokens, columns)."""

    gram: Tensor
    """X'X, (columns, columns)."""
    products: Tensor
    """X'Y, (columns, rows)."""
    tokens: int = 0

    @staticmethod
    def none(weight: Tensor) -> _Sums:
        """Of no tokens yet, for a `weight` of (rows, columns)."""
        columns = weight.shape[1]
        zeros = partial(torch.zeros, dtype=torch.double, device=weight.device)
        return _Sums(zeros(columns, columns), zeros(columns, len(weight)))

    def add(self, x: Tensor, y: Tensor) -> None:
        """More tokens."""
        x, y = x.double(), y.double()
        self.gram += x.T @ x
        self.products += x.T @ y
        self.tokens += len(x)

    def plus(self, other: _Sums) -> _Sums:
        """Of the tokens of both."""
        return _Sums(self.gram + other.gram, self.products + other.products, self.tokens + other.tokens)

    def weights(self, present: Tensor, strength: float) -> Tensor:
        """Solves (X'X + r) W = X'Y + r W0 for W (columns, rows), W0 `present`, r as strong as `strength` tokens."""
        size = self.gram.diagonal().mean() / max(1, self.tokens)
        ridge = strength * size + torch.finfo(self.gram.dtype).tiny  # units may all be silent
        system = self.gram + ridge * torch.eye(len(self.gram), dtype=torch.double, device=self.gram.device)
        found: Tensor = torch.linalg.solve(system, self.products + ridge * present)
        return found

    def error(self, weights: Tensor) -> float:
        """The sum of squares of X W - Y, less that of Y."""
        return float((weights * (self.gram @ weights - 2 * self.products)).sum())


def _captured(
    model: PreTrainedModel, names: Sequence[str], batch: Batch, pick: Callable[[Tensor, Tensor], Tensor]
) -> list[Tensor]:
    """Inputs or outputs of the modules `names` in a pass of `model`, which then ends; of the first call, if several."""
    found: dict[str, Tensor] = {}

    def hook(name: str, _module: nn.Module, args: tuple[Any, ...], result: Tensor) -> None:
        found.setdefault(name, pick(args[0], result))
        if len(found) == len(names):
            raise _StopForward

    handles = [model.base_model.get_submodule(name).register_forward_hook(partial(hook, name)) for name in names]
    try:
        model(**batch)
    except _StopForward:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return [found[name] for name in names]


def _real_tokens(batch: Batch, values: Tensor) -> Tensor:
    """Which of the tokens of `values` (examples, tokens, ..., width) are no padding, (examples, tokens, ...)."""
    mask = batch.get("attention_mask")
    if mask is not None and mask.shape == values.shape[:2]:
        return mask.bool()
    return torch.ones(values.shape[:-1], dtype=torch.bool, device=values.device)
