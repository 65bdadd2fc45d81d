"""Compaction: removes empty heads and dimensions without changing the model's function, and verifies that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.compaction.depth import Depth
from prune.compaction.structure import Structure
from prune.models.sublayers import Sublayer
from prune.models.units import by_unit

TOLERANCE, TOLERANCE_IN_DOUBLE = 1e-5, 1e-6


class NotExact(RuntimeError):
    """Compaction changed the model's outputs: a defect of this package, never of its user."""


@torch.no_grad()
def compact(
    model: PreTrainedModel, sublayers: list[Sublayer], depth: Depth | None = None, first_token_only: bool = False
) -> Structure:
    """Removes every unit of a folded model whose column of the output matrix is all zero; returns what is left.

    Such a unit adds nothing to the output, so removing it is exact. A layer may lose all its units. `depth`: the layers
    of the dense model that `model` has, if not all. `first_token_only`: whether only the first token is computed where
    the others do not affect the logits.
    """
    kept = {s.name: _needed_units(model, s) for s in sublayers}
    structure = Structure(model.config.model_type, kept, depth or Depth(), first_token_only)
    structure.apply(model.base_model, sublayers)
    return structure


def _needed_units(model: PreTrainedModel, sublayer: Sublayer) -> tuple[int, ...]:
    columns = sublayer.output.weight(model.base_model).abs().amax(0, keepdim=True)
    return tuple(by_unit(sublayer.output, columns)[0].amax(1).nonzero().flatten().tolist())


@torch.no_grad()
def largest_difference(
    before: Mapping[str, Tensor] | Any, after: Mapping[str, Tensor] | Any, names: tuple[str, ...]
) -> float:
    """Largest absolute difference of the outputs `names`, relative to the largest absolute value before.

    NaN if there is one in any of them.
    """
    pairs = [(_flat(before[name]), _flat(after[name])) for name in names]
    return torch.stack([(a - b).abs().max() / a.abs().max() for a, b in pairs]).max().item()


def _flat(values: Any) -> Tensor:
    """A tensor, or a list of arrays of any lengths, as one vector."""
    return torch.cat([torch.as_tensor(value).flatten() for value in values])


def prove_equal(
    before: Any, after: Any, names: tuple[str, ...], in_double: Callable[[], tuple[Any, Any]] | None = None
) -> float:
    """The largest relative difference of the outputs before and after compaction, in float32.

    `in_double` gives both computed in float64. It is asked where float32 differs by more than 1e-5, which a model that
    amplifies rounding may.

    Raises:
        NotExact: if float32 differs by more than 1e-5, and float64, where it is asked, by more than 1e-6 (of which
            float32, in which outputs are kept, takes a tenth).
    """
    difference = largest_difference(before, after, names)
    if difference <= TOLERANCE:
        return difference
    if in_double is not None and largest_difference(*in_double(), names) <= TOLERANCE_IN_DOUBLE:
        return difference
    raise NotExact(f"compaction changed the outputs by {difference:.2g} of their size; at most {TOLERANCE} is rounding")
