"""What is left of each matrix of a pruned model, read from its files without torch."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prune.compaction.depth import Depth
from prune.compaction.written import KEY, OLD_FILE, numbers_in
from prune.files import confined
from prune.models.families import Family, Place, Stack
from prune.overlap.jaccard import Mask
from prune.report.detail.pixels import is_picture, picture
from prune.report.detail.stored import StoredModel
from prune.results.typed import is_name, is_whole
from prune.runtime import registry

_NUMBER_OF_HEADS = ("num_attention_heads", "num_heads", "n_head", "n_heads")
_DOWN, _ACROSS = 48, 192
"""Most pixels of a picture."""
_MOST_SUBLAYERS, _MOST_HEADS = 1000, 20_000
_MOST_UNITS, _MOST_FEATURES, _MOST_WEIGHTS = 500_000, 2**24, 2**31
"""Of a model, heads of all layers together; of a sublayer; of a matrix. More are not drawn."""
_SITES, _STAGES = ("attention", "feed_forward"), ({"compact"}, {"fill"}, {"compact", "fill"})
_Part = tuple[int, int]
"""The number of a matrix among those that a module holds, and how many these are."""
Blocks = Mapping[str, tuple[int, int]]
"""Site -> rows and columns of the blocks that are kept or removed there; (1, 1) where grains are no blocks."""


@dataclass(frozen=True)
class Matrix:
    """One matrix of the dense model."""

    name: str
    rows: int
    columns: int
    density: dict[str, float]
    """Stage (`compact`, `fill`) -> non-zero weights after it, over all weights of the dense matrix."""
    pictures: dict[str, str]
    """Stage -> where they are, units from left to right: see prune/report/detail/pixels.py."""

    def is_sound(self, stages: set[str]) -> bool:
        """Whether it can be drawn for each of `stages`."""
        known = is_name(self.name) and self.density.keys() == self.pictures.keys() == stages
        return known and min(self.rows, self.columns) >= 0 and all(map(is_picture, self.pictures.values()))


@dataclass(frozen=True)
class Sublayer:
    """One attention or feed-forward layer of the dense model."""

    name: str
    site: str
    num_units: int
    num_kept: int
    kept: str
    """A bit for each unit, the first one highest, as base64."""
    matrices: list[Matrix]
    """None where the whole layer was left out before training."""

    def units(self) -> list[bool]:
        """Which heads or dimensions are kept."""
        bits = np.unpackbits(np.frombuffer(base64.b64decode(self.kept), dtype=np.uint8), count=self.num_units)
        return [bool(bit) for bit in bits]

    @property
    def is_sound(self) -> bool:
        """Whether what it says of its units agrees."""
        if not (is_name(self.name) and self.site in _SITES and 0 < self.num_units <= _MOST_UNITS):
            return False
        try:
            bits = base64.b64decode(self.kept, validate=True)
        except ValueError:
            return False
        return (
            len(bits) == -(-self.num_units // 8) and sum(map(int.bit_count, bits)) == sum(self.units()) == self.num_kept
        )


def are_sound(sublayers: Sequence[Sublayer]) -> bool:
    """Whether they can be drawn: not too many, and of the same stages."""
    heads = sum(sublayer.num_units for sublayer in sublayers if sublayer.site == "attention")
    if len(sublayers) > _MOST_SUBLAYERS or heads > _MOST_HEADS or not all(sublayer.is_sound for sublayer in sublayers):
        return False
    matrices = [matrix for sublayer in sublayers for matrix in sublayer.matrices]
    stages = set(matrices[0].density) if matrices else _STAGES[0]
    return stages in _STAGES and all(matrix.is_sound(stages) for matrix in matrices)


def sublayers_of(stages: Mapping[str, Path], dense: Path | None, blocks: Blocks) -> list[Sublayer]:
    """All sublayers of the dense model, first layer first.

    Args:
        stages: Stage -> folder of the model it left; they differ in zeros only, the last is the result.
        dense: Folder of the dense model, which knows layers and units that are gone; None if it is not there.
        blocks: What a pixel should be, if that many fit.

    Raises:
        OSError, ValueError, LookupError, TypeError, AttributeError: if files are absent, or do not fit each other.
    """
    return list(_Reader(stages, dense, blocks).sublayers())


def masks_of(model: Path, dense: Path | None, with_weights: bool) -> list[tuple[Sublayer, dict[str, Mask]]]:
    """All sublayers without matrices, each with the masks of its matrices instead.

    Without `with_weights` there are no masks, and the folder may lack the weights.

    Raises:
        OSError, ValueError, LookupError, TypeError, AttributeError: likewise.
    """
    return list(_Reader({"compact": model}, dense, {}, with_weights).masks(with_weights))


class _Reader:
    def __init__(self, stages: Mapping[str, Path], dense: Path | None, blocks: Blocks, needs_weights: bool = True):
        models = {stage: StoredModel(folder, needs_weights) for stage, folder in stages.items()}
        self.models, self.dense, self.blocks = models, StoredModel(dense) if dense else None, blocks
        self.last = list(models.values())[-1]
        config, folder = self.last.config, self.last.folder
        content = config[KEY] if KEY in config else confined.read_json(folder, folder / OLD_FILE)
        depth = Depth(numbers_in(content, "layers"), content.get("dense", {}))
        self.kept = numbers_in(content, "kept")
        self.names: dict[str, str] = {depth.dense_name(name): name for name in self.kept}
        """In the dense model -> in this one, which may have fewer layers."""
        self.family: Family = registry.module("families", config["model_type"]).FAMILY

    def sublayers(self) -> Iterator[Sublayer]:
        for sublayer, place, kept_features in self._without_matrices():
            yield replace(sublayer, matrices=list(self._matrices(sublayer, place, kept_features)))

    def masks(self, with_weights: bool) -> Iterator[tuple[Sublayer, dict[str, Mask]]]:
        for sublayer, place, kept_features in self._without_matrices():
            named = self._modules(sublayer, place) if with_weights else ()
            yield (
                sublayer,
                {name: Mask.of(self._nonzero(self.last, module, kept_features, part)) for name, module, part in named},
            )

    def _without_matrices(self) -> Iterator[tuple[Sublayer, Place, NDArray[np.bool_]]]:
        """Each sublayer, and which of its features are kept."""
        for stack in self.family.stacks:
            pattern = re.escape(stack.layers).replace(r"\*", r"\d+")
            named = (name.rpartition(".")[0] for name in self.names)
            known = (layer for layer in dict.fromkeys(named) if re.fullmatch(pattern, layer))
            for layer in (self.dense or self.last).modules(pattern) or known:
                for place in stack.places:
                    yield self._sublayer(stack, layer, place)

    def _sublayer(self, stack: Stack, layer: str, place: Place) -> tuple[Sublayer, Place, NDArray[np.bool_]]:
        name = f"{layer}.{_end(place)}"
        own = self.names.get(name)
        kept = self.kept[own] if own else ()
        number, size = self._units(stack, layer, place, kept)
        if number > _MOST_UNITS or number * size > _MOST_FEATURES:
            raise ValueError(f"{name} has {number} units of {size} features")
        kept_units = np.zeros(number, dtype=np.bool_)
        kept_units[list(kept)] = True
        sublayer = Sublayer(
            name=name,
            site=place.site,
            num_units=number,
            num_kept=len(kept),
            kept=base64.b64encode(np.packbits(kept_units).tobytes()).decode(),
            matrices=[],
        )
        return sublayer, place, np.repeat(kept_units, size)

    def _units(self, stack: Stack, layer: str, place: Place, kept: tuple[int, ...]) -> tuple[int, int]:
        """How many units the dense sublayer has, and the features of one; 1 where no head is left that would tell."""
        size = self._head_size(stack) if place.site == "attention" else 1
        width = self.dense.shape(f"{layer}.{place.output}")[1] if self.dense else 0
        if width and size:
            return width // size, size
        known = (self.last.config.get(key) for key in _keys(stack, place))
        number = max(
            next((number for number in known if number and is_whole(number)), 0), *(unit + 1 for unit in kept), 1
        )
        return number, size or width // number or 1

    def _head_size(self, stack: Stack) -> int:
        """Features of a head, which all attentions of a stack have in common; 0 where none is left."""
        start = stack.layers.partition("*")[0]
        for name, kept in self.kept.items():
            layer, _, end = name.rpartition(".")
            for place in stack.places:
                is_of_stack = end == _end(place) and place.site == "attention" and name.startswith(start)
                if kept and is_of_stack and self.last.has(f"{layer}.{place.output}"):
                    return self.last.shape(f"{layer}.{place.output}")[1] // len(kept)
        return 0

    def _modules(self, sublayer: Sublayer, place: Place) -> Iterator[tuple[str, str, _Part | None]]:
        """Name of each matrix, its module in the pruned model, and which of an input module's matrices it is; None for
        the output matrix, whose units are columns. Nothing where the layer was left out."""
        if not (own := self.names.get(sublayer.name)):
            return
        layer = own.rpartition(".")[0]
        inputs = [name for name in place.inputs if self.last.has(f"{layer}.{name}")]
        for name in inputs:
            for part in range(place.parts):
                label = name.rpartition(".")[2] + (f" {part + 1}" if place.parts > 1 else "")
                if place.site == "feed_forward" and len(inputs) == place.parts == 1:
                    label = "up"
                yield label, f"{layer}.{name}", (part, place.parts)
        yield "output" if place.site == "attention" else "down", f"{layer}.{place.output}", None

    def _matrices(self, sublayer: Sublayer, place: Place, kept_features: NDArray[np.bool_]) -> Iterator[Matrix]:
        """`kept_features`: (features,), of the dense model."""
        for name, module, part in self._modules(sublayer, place):
            density, pictures, shape = {}, {}, (0, 0)
            for stage, model in self.models.items():
                whole = self._nonzero(model, module, kept_features, part)
                shape = whole.shape
                density[stage] = float(whole.mean())
                pictures[stage] = picture(whole, kept_features, self._pixel(shape, place.site, part is not None))
            rows, columns = shape[::-1] if part is not None else shape
            yield Matrix(name, rows, columns, density, pictures)

    def _nonzero(
        self, model: StoredModel, module: str, kept_features: NDArray[np.bool_], part: _Part | None
    ) -> NDArray[np.bool_]:
        """(others, features), where a weight of the dense matrix is left and not zero."""
        nonzero = model.nonzero(module)
        if part is not None:
            number, of_how_many = part
            nonzero = np.split(nonzero, of_how_many)[number].T
        if not 0 < len(nonzero) * len(kept_features) <= _MOST_WEIGHTS:
            raise ValueError(f"{module} has {len(nonzero)} x {len(kept_features)} weights")
        whole = np.zeros((len(nonzero), len(kept_features)), dtype=np.bool_)
        whole[:, kept_features] = nonzero
        return whole

    def _pixel(self, shape: tuple[int, int], site: str, turned: bool) -> tuple[int, int]:
        """Rows and columns of the turned matrix that make a pixel: a block, if that many fit."""
        rows, columns = self.blocks[site]
        down, across = (columns, rows) if turned else (rows, columns)
        return max(down, -(-shape[0] // _DOWN)), max(across, -(-shape[1] // _ACROSS))


def _end(place: Place) -> str:
    """What a sublayer's name ends in."""
    return place.name or place.site


def _keys(stack: Stack, place: Place) -> tuple[str, ...]:
    """Of config.json, with the number of units of a dense sublayer."""
    if place.site == "feed_forward":
        return (place.width,)
    return (f"{stack.layers.partition('.')[0]}_attention_heads", *_NUMBER_OF_HEADS)
