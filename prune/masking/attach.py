"""Attaching masks to a model: linear layers become `MaskedLinear`s, scores live in the model's submodule `masks`.

The rule of dead units: a head or dimension any of whose slices (rows of an input matrix, columns of the output matrix)
is empty is dead, and all its slices are masked, in training too. So removing it later changes no logit.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from prune.masking.bank import Bank, SiteMasking
from prune.masking.linear import MaskedLinear
from prune.masking.masks import Masks
from prune.masking.parts import MaskedParts
from prune.models.sublayers import Matrix, Sublayer

_NAME = "masks"


def attach(
    model: nn.Module,
    base: nn.Module,
    sublayers: list[Sublayer],
    sites: dict[str, SiteMasking],
    seed: int,
) -> Masks:
    """Puts masks on all matrices of `sublayers` (named relative to `base`) and registers them as `model.masks`.

    Raises:
        ValueError: if no sublayer belongs to a site, or a matrix has another shape than its sublayer says.
    """
    generator = torch.Generator().manual_seed(seed)
    if empty := [name for name in sites if not any(s.site == name for s in sublayers)]:
        raise ValueError(f"the model has no sublayer for {', '.join(empty)}: nothing would be pruned there")
    banks: dict[str, Bank] = {}
    for name, equal in _equal_sublayers(sublayers).items():
        layers = [[_masked_layer(base, matrix) for matrix in sublayer.matrices] for sublayer in equal]
        banks[name] = Bank(sites[equal[0].site], equal, layers, generator)
    masks = Masks(sites, banks).to(next(model.parameters()).device)
    masks.train(model.training)
    model.add_module(_NAME, masks)
    roots = dict.fromkeys(m.module.partition(".")[0] for s in sublayers for m in s.matrices)
    masks.hook(model, [base.get_submodule(root) for root in roots])
    masks.refresh()
    return masks


def masks_of(model: nn.Module) -> Masks:
    """The masks attached to `model`."""
    masks = model.get_submodule(_NAME)
    assert isinstance(masks, Masks)
    return masks


def fold(model: nn.Module) -> None:
    """Multiplies the masks, at their values in evaluation mode, into weights and biases, and removes them."""
    masks = masks_of(model.eval())
    masks.refresh()
    masks.unhook()
    for kind in (MaskedParts, MaskedLinear):
        for name, module in list(model.named_modules()):
            if isinstance(module, kind):
                model.set_submodule(name, module.unmasked())
    delattr(model, _NAME)


def _equal_sublayers(sublayers: list[Sublayer]) -> dict[str, list[Sublayer]]:
    """Sublayers of the same site and shapes, by a name: the site's, numbered from the second kind on."""
    groups: dict[Any, list[Sublayer]] = {}
    for sublayer in sublayers:
        shapes = tuple((m.rows, m.columns, m.unit_axis, m.unit_size) for m in sublayer.matrices)
        groups.setdefault((sublayer.site, sublayer.num_units, shapes), []).append(sublayer)
    named: dict[str, list[Sublayer]] = {}
    for (site, *_), group in groups.items():
        number = sum(members[0].site == site for members in named.values())
        named[f"{site}_{number + 1}" if number else site] = group
    return named


def _masked_layer(base: nn.Module, matrix: Matrix) -> MaskedLinear:
    """The masked layer of `matrix`; the first call replaces its module."""
    module = base.get_submodule(matrix.module)
    if not isinstance(module, (MaskedLinear, MaskedParts)):
        module = _masked(module, matrix)
        base.set_submodule(matrix.module, module)
    layer = module.parts[matrix.part] if isinstance(module, MaskedParts) else module
    assert isinstance(layer, MaskedLinear)
    return layer


def _masked(module: nn.Module, matrix: Matrix) -> MaskedLinear | MaskedParts:
    expected = (matrix.parts * matrix.rows, matrix.columns)[:: -1 if matrix.transposed else 1]
    found = tuple(module.weight.shape) if isinstance(module.weight, Tensor) else None
    if found != expected:
        raise ValueError(f"{matrix.module} has shape {found}, its family says {expected}")
    if matrix.parts > 1 or matrix.transposed:
        return MaskedParts(module, matrix.parts, matrix.transposed)
    assert isinstance(module, nn.Linear)
    return MaskedLinear.of(module)
