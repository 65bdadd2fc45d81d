"""Saving a compact model, and loading it into a working transformers model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoConfig, GenerationConfig, PreTrainedModel
from transformers.utils import GENERATION_CONFIG_NAME

from prune import discovery
from prune.errors import UserError
from prune.models import read_shape
from prune.shrink.structure import Structure
from prune.sublayers import Sublayer, sublayers_of

_WEIGHTS = "model.safetensors"


def sublayers_in(shape: dict[str, Any]) -> list[Sublayer]:
    """The sublayers of a model whose config.json holds `shape`.

    Raises:
        UserError: if its family is not known.
    """
    try:
        family = discovery.module("families", str(shape.get("model_type"))).FAMILY
        return sublayers_of(family, shape)
    except ValueError as error:
        raise UserError(
            f"model_type {error}. A family is one file of about 20 lines: see the README, Adding a family"
        ) from error


def save(model: PreTrainedModel, structure: Structure, tokenizer: Any, folder: Path) -> None:
    """Writes config, safetensors, tokenizer and structure.json into `folder`."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    structure.save(folder)


def load(path: str | Path) -> PreTrainedModel:
    """The pruned model in the folder `path`, in evaluation mode: a transformers model with smaller matrices.

    Weights are read from safetensors only.

    Raises:
        UserError: if a file is missing or altered, or the weights do not fit structure.json.
    """
    folder = Path(path)
    shape = read_shape(folder)
    structure = Structure.read(folder)
    if structure.model_type != shape.get("model_type"):
        raise UserError(
            f"{folder}: structure.json is of a {structure.model_type}, config.json of a {shape.get('model_type')}"
        )
    sublayers = sublayers_in(shape)
    model = _with_random_weights(folder, shape)
    structure.apply(model.base_model, sublayers)
    try:
        weights = load_file(folder / _WEIGHTS)
    except (FileNotFoundError, SafetensorError) as error:
        raise UserError(f"{folder / _WEIGHTS} cannot be read: {error}") from error
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise UserError(f"{folder / _WEIGHTS} does not fit structure.json: {error}") from error
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    if unexpected or set(missing) - tied:
        raise UserError(f"{folder / _WEIGHTS}: missing {sorted(set(missing) - tied)}, not known {sorted(unexpected)}")
    model.tie_weights()
    if (folder / GENERATION_CONFIG_NAME).is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    result: PreTrainedModel = model.to(next(iter(weights.values())).dtype).eval()  # type: ignore[arg-type]
    return result


def _with_random_weights(folder: Path, shape: dict[str, Any]) -> PreTrainedModel:
    """The unpruned model that config.json describes."""
    name = str((shape.get("architectures") or [""])[0])
    model_class = getattr(transformers, name, None)
    if not (isinstance(model_class, type) and issubclass(model_class, PreTrainedModel)):
        raise UserError(f"{folder}/config.json: transformers {transformers.__version__} has no model {name!r}")
    try:
        return model_class(AutoConfig.from_pretrained(folder))
    except (ValueError, TypeError, OSError) as error:
        raise UserError(f"{folder}/config.json describes no model: {error}") from error
