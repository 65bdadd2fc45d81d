"""Compute: the floating-point operations of passes and training steps, in matrix products, attention included."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from prune.measure.speed import multiply_adds

Flops = NDArray[np.float64]
_FORWARD, _STEP = 2, 6
"""A multiply-add is two operations. The backward pass has two products for each of the forward pass (Kaplan et al.
2020, section 2.1)."""
_LENGTHS = (4, 6, 8)
"""Tokens of the inputs from which the cost of any other follows: fewer than any model takes."""


@dataclass(frozen=True)
class Cost:
    """Floating-point operations for a batch, as the lengths of its inputs decide: a part that the batch shares, and for
    each input a quadratic polynomial of its tokens, and of those that a decoder reads."""

    coefficients: Flops

    def of(self, sizes: ArrayLike, *lengths: ArrayLike) -> Flops:
        """For batches of these sizes (batches,), padded to these `lengths` (batches,), of a decoder the second ones."""
        return _terms(np.asarray(sizes, float), *(np.asarray(one, float) for one in lengths)) @ self.coefficients

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.coefficients + other.coefficients)


def forward_cost(model: Any) -> Cost:
    """Of a forward pass: two operations for each multiply-add. `model` computes a few of them; no generator moves."""
    return Cost(_FORWARD * _multiply_adds(model))


def step_cost(model: Any) -> Cost:
    """Of a training step: a forward pass, and a backward pass that takes twice as many operations."""
    return Cost(_STEP * _multiply_adds(model))


def reads_labels(model: Any) -> bool:
    """Whether a decoder reads what it is to write, so that the length of that counts, too."""
    return bool(model.config.is_encoder_decoder and model.can_generate())


def _multiply_adds(model: Any) -> Flops:
    decoders = 1 + reads_labels(model)
    lengths = [(one,) for one in _LENGTHS] if decoders == 1 else [(a, b) for a in _LENGTHS for b in _LENGTHS]
    probes = [(1, *one) for one in lengths] + [(2, *lengths[0])]
    was_training = model.training
    model.eval()
    with torch.random.fork_rng():
        counts = [multiply_adds(model, _inputs(model, *probe)) for probe in probes]
    model.train(was_training)
    columns = (np.asarray(column, float) for column in zip(*probes, strict=True))
    found: Flops = np.linalg.lstsq(_terms(*columns), np.asarray(counts, float), rcond=None)[0]
    return np.rint(found)  # numbers of products of whole numbers


def _terms(sizes: Flops, *lengths: Flops) -> Flops:
    """The monomials (batches, terms): 1, and size times 1, length, length^2."""
    factors = [np.ones_like(sizes), *lengths]
    products = [sizes * a * b for a, b in combinations_with_replacement(factors, 2)]
    return np.stack([np.ones_like(sizes), *products], axis=-1)


def _inputs(model: Any, size: int, length: int, of_decoder: int = 0) -> dict[str, torch.Tensor]:
    """Inputs of the last token of a text alone, which some models look for."""
    last = min(getattr(model.config, "eos_token_id", None) or 1, model.config.vocab_size - 1)
    inputs = {"input_ids": torch.full((size, length), last), "attention_mask": torch.ones(size, length).long()}
    if of_decoder:
        inputs["decoder_input_ids"] = torch.full((size, of_decoder), last)
    return {name: values.to(model.device) for name, values in inputs.items()}
