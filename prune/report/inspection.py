"""What is in the folder of a pruned model, weights included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

from prune.compaction import saved_model
from prune.compaction.modeling_pruned import reads_first_token
from prune.compaction.stock import stock_class
from prune.compaction.structure import Structure
from prune.compaction.tokens import TokenPooling
from prune.errors import UserError
from prune.files import strict_json
from prune.measure import size
from prune.models.architecture import sublayers_of, without_numbers
from prune.models.sublayers import Sublayer
from prune.results.layout import ORIGIN, RunFolder
from prune.runtime.sanitize import quoted

_TEXTS = {"pruned from", "task", "method", "metric", "measured"}
_NUMBERS, _LARGEST = {"seed", "value", "dense_value", "speedup"}, 1e12
"""Of what `origin_of` gives, what is shown."""


@dataclass(frozen=True)
class Inspection:
    """A pruned model, as its files say."""

    folder: Path
    model_class: str
    params: int
    dense_params: int
    bytes: int
    density: float
    """Non-zero weights of the prunable layers over all weights of these layers in the dense model."""
    sublayers: list[Sublayer]
    """Of the dense model."""
    kept: dict[str, int]
    """Sublayer -> number of heads or dimensions that are left; those of layers left out are not named."""
    last_attention: str | None
    """After which only the first token is computed; None where all are to the end."""
    pooling: TokenPooling
    """Where fewer tokens go on."""
    origin: dict[str, Any] | None
    """What it was pruned from and how, and its score; None where the folder does not say."""


def inspect(path: Path) -> Inspection:
    """Reads the folder of a model, or of the run that made it, weights included.

    Raises:
        UserError: if it is no folder of a pruned model, or a file does not fit the others.
    """
    folder = RunFolder(path).model if RunFolder(path).record.exists() else path
    model, structure = saved_model.load(folder), Structure.read(folder)
    whole, dense = _unpruned(model, model.config), _unpruned(model, structure.depth.dense_config(model.config))
    left, sublayers = sublayers_of(whole), sublayers_of(dense)
    last = structure.last_attention(left) if reads_first_token(type(model).__name__) else None
    return Inspection(
        folder=folder,
        model_class=type(model).__name__,
        params=size.num_parameters(model),
        dense_params=size.num_parameters(dense),
        bytes=size.bytes_on_disk(folder),
        density=size.num_nonzero(model.base_model, left) / size.num_prunable(sublayers),
        sublayers=sublayers,
        kept={structure.depth.dense_name(name): len(units) for name, units in structure.kept.items()},
        last_attention=None if last is None else structure.depth.dense_name(last.name),
        pooling=structure.pooling,
        origin=_origin(folder / ORIGIN),
    )


def _unpruned(model: PreTrainedModel, config: PreTrainedConfig) -> PreTrainedModel:
    return without_numbers(config, lambda: stock_class(model)(config))


def _origin(file: Path) -> dict[str, Any] | None:
    try:
        content = strict_json.read(file)
    except FileNotFoundError:
        return None
    if missing := {"metric", "value", "dense_value", "speedup", "measured"} - content.keys():
        raise UserError(f"{file} lacks {', '.join(sorted(missing))}")
    for key, value in content.items():
        if key in _TEXTS and not isinstance(value, str):
            raise UserError(f"{file}: {key} is {quoted(value)}, no text")
        if key in _NUMBERS and (type(value) not in (int, float) or abs(value) > _LARGEST):
            raise UserError(f"{file}: {key} is {quoted(value)}, no number up to {_LARGEST:g}")
    return content
