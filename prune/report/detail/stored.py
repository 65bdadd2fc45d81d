"""The files of one model, read without building a network: its config, and the shapes and zeros of its weights."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from prune.files import confined


class StoredModel:
    """A folder with `config.json` and weights in safetensors. Names of modules are relative to the base model.

    Raises:
        OSError, ValueError: if it holds no weights, though it `needs_weights`, or a file that is none of its own.
    """

    def __init__(self, folder: Path, needs_weights: bool = True):
        self.folder = folder
        self._places: dict[str, tuple[Path, tuple[int, ...]]] = {}
        for file in sorted(folder.glob("*.safetensors")):
            confined.check_file(folder, file)
            self._places |= {name: (file, shape) for name, shape in _shapes(file).items()}
        if needs_weights and not self._places:
            raise FileNotFoundError(f"{folder} holds no weights")

    @cached_property
    def config(self) -> dict[str, Any]:
        """What config.json says; empty where there is none."""
        file = self.folder / "config.json"
        return dict(confined.read_json(self.folder, file)) if file.exists() else {}

    def modules(self, pattern: str) -> list[str]:
        """Names of the modules that match `pattern` and hold others, in the order of their numbers."""
        names = {match[1] for name in self._places if (match := re.search(rf"(?:^|\.)({pattern})\.", name))}
        return sorted(names, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])

    def has(self, module: str) -> bool:
        """Whether there is a module of this name with a weight."""
        return self._name(module) is not None

    def shape(self, module: str) -> tuple[int, int]:
        """(outputs, inputs) of a linear layer."""
        first, second = self._places[self._name(module) or module][1]
        return (second, first) if self._is_transposed(module) else (first, second)

    def nonzero(self, module: str) -> NDArray[np.bool_]:
        """(outputs, inputs), where its weight is not zero."""
        name = self._name(module) or module
        with safe_open(self._places[name][0], "np") as opened:
            nonzero: NDArray[np.bool_] = opened.get_tensor(name) != 0
        return nonzero.T if self._is_transposed(module) else nonzero

    def _is_transposed(self, module: str) -> bool:
        return self._stores_transposed and module not in self._rebuilt

    @cached_property
    def _stores_transposed(self) -> bool:
        """Whether linear layers are stored as (inputs, outputs), as GPT-2's are: biases tell, if it is no square."""
        shapes = {name: shape for name, (_, shape) in self._places.items()}
        biases = {name: shapes.get(f"{name.removesuffix('.weight')}.bias", shape[:1]) for name, shape in shapes.items()}
        return any(len(shape) == 2 and shape[:1] != biases[name] == shape[1:] for name, shape in shapes.items())

    @cached_property
    def _rebuilt(self) -> set[str]:
        """Modules that were made smaller: they are linear layers, whatever they were before."""
        return {module for shape in self.config.get("pruned_shape", []) for module in shape.get("linear", {})}

    def _name(self, module: str) -> str | None:
        end = f"{module}.weight"
        return next((name for name in self._places if name == end or name.endswith(f".{end}")), None)


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(file, "np") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}
    except SafetensorError as error:
        raise ValueError(f"{file}: {error}") from error
