"""What is left of a network: the kept units of each sublayer, and how a model takes that shape."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from prune.errors import UserError
from prune.shrink import shared_bias, token_count
from prune.sublayers import Matrix, Sublayer

VERSION = 1
FILE_NAME = "structure.json"


@dataclass(frozen=True)
class Structure:
    """Kept units (heads or dimensions) of each sublayer, by their numbers in the dense model."""

    model_type: str
    kept: Mapping[str, tuple[int, ...]]

    def save(self, folder: Path) -> None:
        """Writes structure.json."""
        content = {"version": VERSION, "model_type": self.model_type, "kept": self.kept}
        (folder / FILE_NAME).write_text(json.dumps(content, default=list) + "\n")

    @staticmethod
    def read(folder: Path) -> Structure:
        """Reads structure.json.

        Raises:
            UserError: if it is absent, is no JSON, or is of another version.
        """
        file = folder / FILE_NAME
        try:
            content: dict[str, Any] = json.loads(file.read_text())
            if content["version"] != VERSION:
                raise UserError(f"{file} is of version {content['version']}; this package reads version {VERSION}")
            kept = {name: _rising(name, units) for name, units in content["kept"].items()}
            return Structure(content["model_type"], kept)
        except FileNotFoundError:
            raise UserError(f"{folder} holds no {FILE_NAME}: it is not the folder of a pruned model") from None
        except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{file} cannot be read ({type(error).__name__}: {error})") from error

    def apply(self, base: nn.Module, sublayers: list[Sublayer]) -> None:
        """Gives the modules of `base` the kept units only, in place.

        Raises:
            UserError: if a sublayer is not named here, or a unit does not exist.
        """
        if set(self.kept) != {s.name for s in sublayers}:
            raise UserError(f"{FILE_NAME} names other sublayers than the model has")
        for sublayer in sublayers:
            units = self.kept[sublayer.name]
            if units and not 0 <= min(units) <= max(units) < sublayer.num_units:
                raise UserError(f"{FILE_NAME}: {sublayer.name} has {sublayer.num_units} units from 0, not {units}")
            if len(units) < sublayer.num_units:
                _keep(base, sublayer, torch.tensor(units, dtype=torch.long))


def _rising(name: str, units: Any) -> tuple[int, ...]:
    whole = isinstance(units, list) and all(type(unit) is int for unit in units)
    if not whole or any(a >= b for a, b in itertools.pairwise(units)):
        raise ValueError(f"{name}: {units} are no rising numbers of units")
    return tuple(units)


@torch.no_grad()
def _keep(base: nn.Module, sublayer: Sublayer, units: Tensor) -> None:
    size = sublayer.unit_size
    features = (units.unsqueeze(1) * size + torch.arange(size)).flatten()
    for matrix in sublayer.matrices:
        base.set_submodule(matrix.module, _slice(base.get_submodule(matrix.module), matrix, features))
    for name, meaning in sublayer.counts.items():
        module, attribute = name.rsplit(".", 1)
        setattr(base.get_submodule(module), attribute, len(units) * (1 if meaning == "units" else size))
    if sublayer.site == "attention":
        _keep_exact(base.get_submodule(sublayer.module), sublayer, units)


def _keep_exact(attention: nn.Module, sublayer: Sublayer, heads: Tensor) -> None:
    """What an attention of fewer heads needs besides smaller matrices."""
    if sublayer.shared_bias is not None:
        shared_bias.keep_heads(attention, sublayer.shared_bias, heads)
    if len(heads) == 0:
        token_count.keep_counting(attention)


def _slice(linear: nn.Module, matrix: Matrix, features: Tensor) -> nn.Linear:
    """A smaller layer with `features` as its outputs (unit_axis 0) or inputs (1)."""
    assert isinstance(linear, nn.Linear)
    features = features.to(linear.weight.device)
    sliced = nn.Linear(1, 1, bias=linear.bias is not None, device="meta")
    sliced.weight = nn.Parameter(linear.weight.index_select(matrix.unit_axis, features))
    sliced.out_features, sliced.in_features = sliced.weight.shape
    if linear.bias is not None:
        bias = linear.bias.index_select(0, features) if matrix.unit_axis == 0 else linear.bias
        sliced.bias = nn.Parameter(bias.clone())
    return sliced
