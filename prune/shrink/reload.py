"""Saving a compact model, and loading it into a working transformers model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoConfig, GenerationConfig, PreTrainedModel
from transformers.utils import GENERATION_CONFIG_NAME

from prune.anatomy import skeleton, sublayers_of
from prune.errors import UserError
from prune.models import read_shape
from prune.places import PACKAGE
from prune.shrink.modeling_pruned import take_shape
from prune.shrink.structure import FILE_NAME, Structure

_WEIGHTS = "model.safetensors"
_CODE = PACKAGE / "shrink" / "modeling_pruned.py"
_CLASS = '''

from transformers import {name}  # noqa: E402


class Pruned{name}({name}):
    """A {name} with fewer heads and dimensions."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any):
        super().__init__(config, *args, **kwargs)
        take_shape(self.base_model, config.pruned_shape)
'''


def save(model: PreTrainedModel, structure: Structure, tokenizer: Any, folder: Path, auto_class: str) -> None:
    """Writes config, safetensors, tokenizer and structure.json into `folder`, and what loads them anywhere.

    With the last, `transformers.<auto_class>.from_pretrained(folder, trust_remote_code=True)` needs no package of ours.
    """
    sublayers = sublayers_of(skeleton(model.config))
    shape, name = structure.shape(sublayers), type(model).__name__
    if shape:
        model.config.pruned_shape = shape
        model.config.auto_map = {auto_class: f"{_CODE.stem}.Pruned{name}"}
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    structure.save(folder)
    if shape:
        (folder / _CODE.name).write_text(_CODE.read_text() + _CLASS.format(name=name))


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
    model = _with_random_weights(folder, shape)
    sublayers = sublayers_of(model)
    structure.check(sublayers)
    layers = structure.shape(sublayers)
    if layers != shape.get("pruned_shape", layers):
        raise UserError(f"{folder}: {FILE_NAME} and config.json tell of different layers; one of them was altered")
    take_shape(model.base_model, layers)
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
