"""Size: parameters, bytes on disk, weights that are left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from prune.models.sublayers import Sublayer


def num_parameters(model: nn.Module) -> int:
    """Number of parameters, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def bytes_on_disk(folder: Path, suffixes: tuple[str, ...] = (".safetensors",)) -> int:
    """Size of the weights' files in `folder`."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.suffix in suffixes)


def num_nonzero(base: nn.Module, sublayers: list[Sublayer]) -> int:
    """Number of non-zero weights in the prunable layers."""
    return sum(int(torch.count_nonzero(weight)) for weight in _weights(base, sublayers))


def num_left(base: nn.Module, sublayers: list[Sublayer]) -> int:
    """Number of weights that the prunable layers still hold, zeros included."""
    return sum(weight.numel() for weight in _weights(base, sublayers))


def num_prunable(sublayers: list[Sublayer]) -> int:
    """Number of weights of the prunable layers in the dense model."""
    return sum(sublayer.num_weights for sublayer in sublayers)


def _weights(base: nn.Module, sublayers: list[Sublayer]) -> Iterator[Tensor]:
    for sublayer in sublayers:
        for matrix in sublayer.matrices:
            yield matrix.weight(base)
