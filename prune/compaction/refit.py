"""Least-squares refit: output matrices compensate for removed units (Kwon et al. 2022, section 4.3).

Sublayer by sublayer, first layer first, the remaining weights of the output matrix and its bias are fitted so that the
residual stream after the sublayer is the dense model's on real examples, given the pruned model's before it (Park et
al. 2024, K-prune). So each compensates for errors of all earlier ones, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

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
"""At most so much of the dense model's residual streams is kept at a time."""


class _StopForward(Exception):
    """Ends a forward pass whose remainder is not needed."""


class _Call(NamedTuple):
    """What an output matrix reads and gives, each (examples, ..., width)."""

    units: Tensor
    outputs: Tensor
    stream: Tensor
    """The residual stream with the outputs added: what the next norm reads, before a layer or after it. The outputs
    themselves, where they are normalised before they are added."""


@torch.no_grad()
def refit(
    model: PreTrainedModel,
    dense: PreTrainedModel,
    sublayers: list[Sublayer],
    kept: Mapping[str, tuple[int, ...]],
    batches: Sequence[Batch],
    first_token_only: bool = False,
) -> None:
    """Sets all but the `kept` units of `model` to zero and refits the output matrices that lost some, in place.

    `dense` is the same model before, with its zeros or without; `batches` are its inputs. `first_token_only`: whether
    the head reads the first token only, so that others do not count after the last attention with heads.
    """
    model.eval(), dense.eval()
    small = copy.deepcopy(model)
    structure = Structure(model.config.model_type, kept, first_token_only=first_token_only)
    structure.apply(small.base_model, sublayers)
    changed = [s.output for s in sublayers if 0 < len(kept[s.name]) < s.num_units]
    for output, wanted in track(_with_streams(dense, changed, batches), "refitting output matrices", len(changed)):
        _refit_one(small, output, batches, wanted)
    structure.put_back(small, model, sublayers)


def _with_streams(
    dense: PreTrainedModel, changed: Sequence[Matrix], batches: Sequence[Batch]
) -> Iterator[tuple[Matrix, Sequence[Tensor]]]:
    """Each matrix with the residual stream after it in the dense model, for each batch."""
    for group in _groups(changed, batches):
        names = [output.module for output in group]
        of_batches = [[call.stream.clone() for call in _calls(dense, names, batch)] for batch in batches]
        for index, output in enumerate(group):
            yield output, [of_batch[index] for of_batch in of_batches]


def _groups(outputs: Sequence[Matrix], batches: Sequence[Batch]) -> Iterator[Sequence[Matrix]]:
    """Neighbours whose streams for all `batches` are small enough to be kept, from one pass."""
    tokens = sum(batch["input_ids"].numel() for batch in batches)
    widest = max((output.rows for output in outputs), default=1)
    size = max(1, _KEPT_BYTES // (4 * widest * max(1, tokens)))
    for start in range(0, len(outputs), size):
        yield outputs[start : start + size]


def _refit_one(small: PreTrainedModel, output: Matrix, batches: Sequence[Batch], wanted: Sequence[Tensor]) -> None:
    """Fits the weights and the bias of `output`, so that the small model's units give the streams that are `wanted`.

    Those are the dense model's, (examples, ..., rows) of each batch; tokens that the small model does not compute are
    ignored. The ridge towards the present weights is chosen by twofold cross-validation.
    """
    weight, bias = output.weight(small.base_model), output.bias(small.base_model)
    present = _with_bias(weight, bias)
    halves = _Sums.none(present), _Sums.none(present)
    for batch, dense in zip(batches, wanted, strict=True):
        (call,) = _calls(small, [output.module], batch)
        # After the last attention the small model may compute the first token only.
        read = dense if call.outputs.shape == dense.shape else dense[:, : call.outputs.shape[1]]
        missing = read - (call.stream - call.outputs)
        units = call.units if bias is None else _with_ones(call.units)
        real = _real_tokens(batch, read)
        for index, half in enumerate(halves):
            of_half = real[index::2]
            half.add(units[index::2][of_half], missing[index::2][of_half])
    one, other = halves

    def error(strength: float) -> float:
        return one.error(other.weights(present, strength)) + other.error(one.weights(present, strength))

    found = one.plus(other).weights(present, min(_RIDGES, key=error))
    weight.copy_(found[: weight.shape[1]].T)
    if bias is not None:
        bias.copy_(found[-1])


def _with_bias(weight: Tensor, bias: Tensor | None) -> Tensor:
    """(columns, rows), and a last one for the bias."""
    return (weight if bias is None else torch.cat([weight, bias.unsqueeze(1)], 1)).double().T


def _with_ones(units: Tensor) -> Tensor:
    """With one more, which the bias is the weight of."""
    return torch.cat([units, units.new_ones(*units.shape[:-1], 1)], -1)


@dataclass
class _Sums:
    """Sufficient statistics of a least-squares fit of outputs Y (tokens, rows) to units X (tokens, columns)."""

    gram: Tensor
    """X'X, (columns, columns)."""
    products: Tensor
    """X'Y, (columns, rows)."""
    tokens: int = 0

    @staticmethod
    def none(present: Tensor) -> _Sums:
        """Of no tokens yet, for weights (columns, rows)."""
        return _Sums(present.new_zeros(len(present), len(present)), torch.zeros_like(present))

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


def _calls(model: PreTrainedModel, names: Sequence[str], batch: Batch) -> list[_Call]:
    """The first call of each of the modules `names` in a pass of `model`, which then ends."""
    found: dict[str, _Call] = {}
    unfinished: list[str] = []

    def note(name: str, _module: nn.Module, args: tuple[Any, ...], outputs: Tensor) -> None:
        if name not in found:
            found[name] = _Call(args[0], outputs, outputs)
            unfinished.append(name)

    def finish(_norm: nn.Module, args: tuple[Any, ...]) -> None:
        for name in unfinished:
            if args[0].shape == found[name].outputs.shape:
                found[name] = found[name]._replace(stream=args[0])
        unfinished.clear()
        if len(found) == len(names):
            raise _StopForward

    base = model.base_model
    handles = [base.get_submodule(name).register_forward_hook(partial(note, name)) for name in names]
    handles += [one.register_forward_pre_hook(finish) for one in base.modules() if "Norm" in type(one).__name__]
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
