"""Files of weights as they are, before any model is made of them: whole, named, finite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from prune.errors import UserError
from prune.files import strict_json
from prune.runtime.sanitize import quoted

FILE_NAME, _INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"[\w-][\w.-]*\.safetensors", flags=re.ASCII)
_STORED = ("F64", "F32", "F16", "BF16")
_DTYPES = {torch.float64, torch.float32, torch.float16, torch.bfloat16}

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a tensor -> its shape."""


def shapes(file: Path) -> Shapes:
    """Those of all tensors, as the file's header says; no tensor is read.

    Raises:
        UserError: if it is no whole safetensors file.
    """
    if file.exists() and not file.is_file():
        raise UserError(f"{file} cannot be read: it is no file")
    try:
        with safe_open(file, "pt") as opened:
            found = {name: opened.get_slice(name) for name in opened.keys()}
            stored = {name: one.get_dtype() for name, one in found.items() if name.endswith((".weight", ".bias"))}
            there = {name: tuple(one.get_shape()) for name, one in found.items()}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    if odd := next((name for name, dtype in stored.items() if dtype not in _STORED), None):
        raise UserError(f"{file}: {quoted(odd)} is stored as {stored[odd]}; only {', '.join(_STORED)} are read")
    return there


def shape_text(shape: Iterable[int]) -> str:
    """A shape for messages: `3 x 16`."""
    return " x ".join(map(str, shape)) or "a single number"


def check_folder(folder: Path) -> None:
    """That the weights in `folder` can be read, if there are any.

    Raises:
        UserError: if a file is damaged, lies elsewhere, or is an adapter's.
    """
    if (folder / "adapter_config.json").exists():
        raise UserError(f"{folder} holds an adapter (adapter_config.json), which is not read: merge it into its model")
    if (folder / FILE_NAME).exists():
        shapes(folder / FILE_NAME)
    elif (folder / _INDEX).exists():
        for name in _shards(folder / _INDEX):
            shapes(folder / name)


def _shards(index: Path) -> list[str]:
    """The files that the weights are parted into."""
    content = strict_json.read(index)
    parts = content.get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise UserError(f"{index}: weight_map names no file of weights")
    if not isinstance(content.get("metadata"), dict):
        raise UserError(f"{index}: metadata is {quoted(content.get('metadata'))}, no mapping")
    for name in parts.values():
        if not isinstance(name, str) or not _SHARD.fullmatch(name):
            raise UserError(f"{index}: weight_map names {quoted(name)}, which is no safetensors file beside it")
    return sorted(set(parts.values()))


def check_finite(tensors: Iterable[tuple[str, Tensor]], where: str) -> None:
    """Raises UserError, naming a tensor, if one holds a value that is no number."""
    for name, values in tensors:
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise UserError(f"{where}: {name} holds values that are no numbers (NaN or infinite)")


def number_format(tensors: Mapping[str, Tensor], where: str) -> torch.dtype:
    """That of all weights.

    Raises:
        UserError: if they have several, or one that they cannot be computed in.
    """
    found = {values.dtype for values in tensors.values()}
    if len(found) != 1 or not found <= _DTYPES:
        raise UserError(f"{where}: all weights are {_named(_DTYPES)}, not {_named(found) or 'nothing'}")
    return found.pop()


def _named(dtypes: set[torch.dtype]) -> str:
    return " or ".join(sorted(str(one).removeprefix("torch.") for one in dtypes))
