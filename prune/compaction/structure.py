"""The structure of a pruned network: the units that each sublayer keeps, and how a model takes that shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils import CONFIG_NAME

from prune.compaction.depth import Depth
from prune.compaction.first_token import last_attention, may_be_last
from prune.compaction.modeling_pruned import take_shape
from prune.compaction.tokens import TokenPooling
from prune.compaction.written import KEY, OLD_FILE, OLD_VERSION, VERSION, as_ranges, numbers_in
from prune.errors import UserError
from prune.files import strict_json
from prune.models.families import family_of_type
from prune.models.loading import read_shape
from prune.models.sublayers import Matrix, Sublayer
from prune.models.units import features_of
from prune.runtime.sanitize import quoted
from prune.runtime.wording import counted

_KEYS = {"version", "model_type", "kept", "layers", "dense", "first_token_only", "tokens"}
_SAID: Mapping[type, str] = {dict: "mapping", bool: "true or false"}

_T = TypeVar("_T")


@dataclass(frozen=True)
class Structure:
    """Kept units (heads or dimensions) of each sublayer, by their numbers in the unpruned one."""

    model_type: str
    kept: Mapping[str, tuple[int, ...]]
    depth: Depth = field(default_factory=Depth)
    """The layers of the dense model that these sublayers are in."""
    first_token_only: bool = False
    """Whether only the first token is computed where no attention follows; see first_token.py."""
    pooling: TokenPooling = field(default_factory=TokenPooling)
    """Where fewer tokens go on."""

    def written(self) -> dict[str, Any]:
        """What config.json says of it."""
        content: dict[str, Any] = {"version": VERSION, "kept": _as_ranges(self.kept)}
        if self.depth.kept:
            content |= {"layers": _as_ranges(self.depth.kept), "dense": dict(self.depth.dense)}
        if self.first_token_only:
            content |= {"first_token_only": True}
        if self.pooling:
            content |= {"tokens": self.pooling.written()}
        return content

    @staticmethod
    def read(folder: Path) -> Structure:
        """Reads config.json or, where earlier versions wrote it, structure.json.

        Raises:
            UserError: if neither has it, it is of another version, or holds anything else than a structure.
        """
        config = read_shape(folder)
        try:
            if KEY in config:
                return Structure._of(config[KEY], config.get("model_type"), VERSION)
            return Structure._of(strict_json.read(folder / OLD_FILE), config.get("model_type"), OLD_VERSION)
        except FileNotFoundError:
            raise UserError(f"{folder / CONFIG_NAME} has no {KEY}: it is not that of a pruned model") from None
        except ValueError as error:
            raise UserError(f"{place_of(folder, config)}: {error}") from error

    @staticmethod
    def _of(content: Any, model_type: Any, version: int) -> Structure:
        """Raises ValueError if `content` is no structure of a model of this type."""
        if not isinstance(content, dict):
            raise ValueError(f"it is {quoted(content)}, no mapping")
        if (found := content.get("version")) != version or type(found) is not int:
            raise ValueError(f"it is of version {quoted(found)}; this package reads version {version}")
        if unknown := sorted(content.keys() - _KEYS):
            raise ValueError(f"{quoted(unknown[0])} is none of {', '.join(sorted(_KEYS))}")
        if (other := content.get("model_type", model_type)) != model_type:
            raise ValueError(f"it is of a {quoted(other)}, {CONFIG_NAME} of a {quoted(model_type)}")
        dense = {key: _depth(f"dense: {key}", value) for key, value in _typed(content, "dense", dict, {}).items()}
        return Structure(
            model_type,
            numbers_in(content, "kept"),
            Depth(numbers_in(content, "layers"), dense),
            _typed(content, "first_token_only", bool, False),
            TokenPooling.read(_typed(content, "tokens", dict, {})),
        )

    def check(self, sublayers: list[Sublayer]) -> None:
        """Raises ValueError if a sublayer or its layer is not named here, or a unit does not exist."""
        if set(self.kept) != {s.name for s in sublayers} or not all(self.depth.knows(s.name) for s in sublayers):
            raise ValueError("it names other sublayers than the model has")
        for sublayer in sublayers:
            units = self.kept[sublayer.name]
            if units and not 0 <= min(units) <= max(units) < sublayer.num_units:
                units_there = f"{sublayer.name} has {counted(sublayer.num_units, 'unit')} from 0"
                raise ValueError(f"{units_there}, not {quoted(units)}")
        if self.pooling:
            self.pooling.check(sublayers)
            if not family_of_type(self.model_type).stacks[0].tokens_know_positions:
                raise ValueError(f"the layers of a {self.model_type} are told where tokens stand, so all must go on")
        if self.first_token_only and not may_be_last(sublayers):
            raise ValueError(f"the heads of a {self.model_type} read more than the first token")

    def counts(self, dense_sublayers: list[Sublayer], site: str) -> list[int]:
        """How many units are left in each sublayer of `site` of the dense model; 0 where its layer is left out."""
        kept = {self.depth.dense_name(name): len(units) for name, units in self.kept.items()}
        return [kept.get(s.name, 0) for s in dense_sublayers if s.site == site]

    def shape(self, sublayers: list[Sublayer]) -> list[dict[str, Any]]:
        """What `take_shape` needs: an entry for each of `sublayers` that lost units, and for lost tokens."""
        shape = [_shape(s, list(self.kept[s.name])) for s in sublayers if len(self.kept[s.name]) < s.num_units]
        shape += self.pooling.shape(sublayers)
        if (last := self.last_attention(sublayers)) is not None:
            shape.append({"first_token": last.tokenwise_from})
        return shape

    def last_attention(self, sublayers: list[Sublayer]) -> Sublayer | None:
        """After which only the first token is computed, if others are left out."""
        units = {s.name: len(self.kept[s.name]) for s in sublayers}
        return last_attention(sublayers, units) if self.first_token_only else None

    @torch.no_grad()
    def apply(self, base: nn.Module, sublayers: list[Sublayer]) -> None:
        """Gives the modules of `base` the kept units only, in place, with their weights.

        Raises:
            ValueError: if a sublayer is not named here, or a unit does not exist.
        """
        self.check(sublayers)
        kept = {
            name: part
            for sublayer in sublayers
            if len(self.kept[sublayer.name]) < sublayer.num_units
            for name, part in _kept_parameters(base, sublayer, self.kept[sublayer.name]).items()
        }
        take_shape(base, self.shape(sublayers))
        for name, values in kept.items():
            base.get_parameter(name).copy_(values)

    def pool(self, model: PreTrainedModel, pooling: TokenPooling, sublayers: list[Sublayer]) -> Structure:
        """Lets the compact `model` of this structure pool its tokens, in place; what scores them has random weights.

        Returns the structure that it then has.
        """
        take_shape(model.base_model, pooling.shape(sublayers))
        return replace(self, pooling=pooling)

    @torch.no_grad()
    def put_back(self, model: PreTrainedModel, whole: PreTrainedModel, sublayers: list[Sublayer]) -> None:
        """Gives the unpruned `whole` the weights of `model`, which has this structure, and zeros for removed units."""
        inside: set[int] = set()
        for sublayer in sublayers:
            for matrix in (*sublayer.matrices, *sublayer.followers):
                features = features_of(matrix, self.kept[sublayer.name])
                inside |= {id(p) for p in whole.base_model.get_submodule(matrix.module).parameters()}
                _scatter(matrix.weight(model.base_model), matrix.weight(whole.base_model), matrix.unit_axis, features)
                if (bias := matrix.bias(whole.base_model)) is not None:
                    left = matrix.bias(model.base_model)
                    assert left is not None
                    _scatter(left, bias, 0, features) if matrix.unit_axis == 0 else bias.copy_(left)
        for name, parameter in whole.named_parameters():
            if id(parameter) not in inside:
                parameter.copy_(model.get_parameter(name))


def _scatter(left: Tensor, whole: Tensor, axis: int, features: Tensor) -> None:
    whole.zero_().index_copy_(axis, features.to(whole.device), left.to(whole))


def place_of(folder: Path, config: Mapping[str, Any]) -> str:
    """Where the structure of the model in `folder`, with this config.json, is written."""
    return f"{folder / CONFIG_NAME}: {KEY}" if KEY in config else f"{folder / OLD_FILE}"


def is_pruned(folder: Path) -> bool:
    """Whether the files of a model tell of a structure.

    Raises:
        UserError: if it has no config.json that can be read.
    """
    return KEY in read_shape(folder) or (folder / OLD_FILE).is_file()


def _as_ranges(numbers: Mapping[str, Iterable[int]]) -> dict[str, str]:
    return {name: as_ranges(some) for name, some in numbers.items()}


def _typed(content: Mapping[str, Any], key: str, kind: type[_T], default: _T) -> _T:
    value = content.get(key, default)
    if not isinstance(value, kind):
        raise ValueError(f"{key} is {quoted(value)}, no {_SAID[kind]}")
    return value


def _depth(name: str, value: Any) -> Any:
    if type(value) is int or (isinstance(value, list) and all(isinstance(kind, str) for kind in value)):
        return value
    raise ValueError(f"{name:.80}: {quoted(value)} is no number of layers, nor a list of their kinds")


def _shape(sublayer: Sublayer, units: list[int]) -> dict[str, Any]:
    left = [matrix.with_units(len(units)) for matrix in (*sublayer.matrices, *sublayer.followers)]
    linear = {m.module: [m.parts * m.rows if m.unit_axis == 0 else m.rows, m.columns] for m in left}
    values = {"units": len(units), "width": sublayer.output.with_units(len(units)).width}
    shape: dict[str, Any] = {
        "linear": linear,
        "counts": {name: values[meaning] for name, meaning in sublayer.counts.items()},
    }
    if sublayer.site == "attention":
        shape["attention"] = {
            "module": sublayer.module,
            "output": sublayer.output.module,
            "heads": units,
            "shared_bias": asdict(sublayer.shared_bias) if sublayer.shared_bias else None,
            "left_out_without_heads": sublayer.left_out_without_heads,
        }
    return shape


def _kept_parameters(base: nn.Module, sublayer: Sublayer, units: tuple[int, ...]) -> dict[str, Tensor]:
    """Weights (outputs, inputs) and biases of the smaller modules."""
    parts: dict[str, list[Tensor]] = {}
    for matrix in (*sublayer.matrices, *sublayer.followers):
        for name, values in _sliced(base, matrix, features_of(matrix, units)).items():
            parts.setdefault(f"{matrix.module}.{name}", []).append(values)
    return {name: torch.cat(values) for name, values in parts.items()}


def _sliced(base: nn.Module, matrix: Matrix, features: Tensor) -> dict[str, Tensor]:
    weight, bias = matrix.weight(base), matrix.bias(base)
    features = features.to(weight.device)
    found = {"weight": weight.index_select(matrix.unit_axis, features)}
    if bias is not None:
        found["bias"] = bias.index_select(0, features) if matrix.unit_axis == 0 else bias
    return found
