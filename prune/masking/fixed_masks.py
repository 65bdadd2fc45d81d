"""Masks that stay as they are while a model is trained: what they remove is exactly zero in the model's own weights.

A mask is a bool tensor (rows, columns) for a matrix, True where a weight is kept. A forward pass costs what a dense one
does: gradients of removed weights are set to zero, and so they stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from prune.models.sublayers import Matrix, Sublayer
from prune.models.units import by_feature

FixedMasks = dict[str, Tensor]
"""Name of a matrix -> its mask."""


def named_matrices(sublayers: list[Sublayer]) -> dict[str, Matrix]:
    """Their matrices by name: the module's, with a number where it holds several."""
    matrices = (matrix for sublayer in sublayers for matrix in sublayer.matrices)
    return {f"{m.module}.{m.part}" if m.parts > 1 else m.module: m for m in matrices}


def masks_of_units(sublayers: list[Sublayer], kept: Mapping[str, Tensor]) -> FixedMasks:
    """The masks that remove all weights of units. `kept`: name of a sublayer -> bool (units,)."""
    masks: FixedMasks = {}
    for sublayer in sublayers:
        for name, matrix in named_matrices([sublayer]).items():
            features = by_feature(matrix, kept[sublayer.name].unsqueeze(0))[0]
            masks[name] = features.unsqueeze(1 - matrix.unit_axis).expand(matrix.rows, matrix.columns)
    return masks


def nonzero(base: nn.Module, matrices: Mapping[str, Matrix]) -> FixedMasks:
    """The masks that a model's zeros are."""
    return {name: matrix.weight(base).detach() != 0 for name, matrix in matrices.items()}


@torch.no_grad()
def set_to_zero(base: nn.Module, matrices: Mapping[str, Matrix], masks: FixedMasks) -> None:
    """Removes the weights that the masks do not keep."""
    for name, matrix in matrices.items():
        weight = matrix.weight(base)
        weight.masked_fill_(~masks[name].to(weight.device), 0.0)


@contextmanager
def held(base: nn.Module, matrices: Mapping[str, Matrix], masks: FixedMasks) -> Iterator[None]:
    """Removes the weights that the masks do not keep; while it lasts, training does not bring them back."""
    set_to_zero(base, matrices, masks)
    handles = []
    for module, removed in _removed_by_module(base, matrices, masks).items():
        weight = base.get_submodule(module).weight
        assert isinstance(weight, Tensor)
        handles.append(weight.register_hook(_Without(removed)))  # type: ignore[no-untyped-call]  # as its stubs have it
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _removed_by_module(base: nn.Module, matrices: Mapping[str, Matrix], masks: FixedMasks) -> dict[str, Tensor]:
    """Module -> what is removed of its weight, in the weight's shape."""
    removed: dict[str, Tensor] = {}
    for name, matrix in matrices.items():
        weight = base.get_submodule(matrix.module).weight
        assert isinstance(weight, Tensor)
        whole = removed.setdefault(matrix.module, torch.zeros_like(weight, dtype=torch.bool))
        matrix.within(base, whole).copy_(~masks[name])
    return removed


class _Without:
    """A hook that clears the gradients of removed weights, on whatever device they are."""

    def __init__(self, removed: Tensor):
        self.removed = removed

    def __call__(self, gradient: Tensor) -> Tensor:
        self.removed = self.removed.to(gradient.device)
        return gradient.masked_fill(self.removed, 0.0)
