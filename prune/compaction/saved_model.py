"""Saving a compact model, and loading it into a working transformers model."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import CONFIG_NAME

from prune.compaction.modeling_pruned import take_shape
from prune.compaction.structure import FILE_NAME, Structure
from prune.errors import UserError
from prune.files.paths import PACKAGE
from prune.models import weights
from prune.models.architecture import family_of, skeleton, sublayers_of, without_numbers
from prune.models.config_json import config_from, described
from prune.models.loading import generation_config, read_shape
from prune.runtime.sanitize import quoted

_CODE = PACKAGE / "compaction" / "modeling_pruned.py"
_TIED = 16
"""Parameters that are stored once and stand in several places, at most."""
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
        (folder / _CODE.name).write_text(_CODE.read_text("utf-8") + _CLASS.format(name=name), encoding="utf-8")


def load(path: str | Path) -> PreTrainedModel:
    """The pruned model in the folder `path`, in evaluation mode: a transformers model with smaller matrices.

    Weights are read from safetensors only, and no code of the folder is run. Memory is taken for the weights that are
    there, whatever the other files say.

    Raises:
        UserError: if a file is missing or altered, or the weights do not fit structure.json.
    """
    folder = Path(path)
    content, structure = read_shape(folder), Structure.read(folder)
    if structure.model_type != content.get("model_type"):
        kind = quoted(content.get("model_type"))
        raise UserError(f"{folder}: structure.json is of a {structure.model_type:.60}, config.json of a {kind}")
    there = weights.shapes(folder / weights.FILE_NAME)
    model = _shaped(_unpruned(folder, content, most=2 * len(there) + _TIED), structure, folder, content)
    _check_shapes(model, there, folder / weights.FILE_NAME)
    _fill(model, load_file(folder / weights.FILE_NAME), folder / weights.FILE_NAME)
    if model.can_generate() and (found := generation_config(folder)) is not None:
        model.generation_config = found
    result: PreTrainedModel = model.eval()
    return result


def _unpruned(folder: Path, content: Mapping[str, Any], most: int) -> PreTrainedModel:
    """The unpruned model that config.json describes, without numbers; `most`: of its parameters."""
    file = f"{folder / CONFIG_NAME}"
    config = config_from(content, file, str(folder))
    family_of(config)
    model_class = _class_of(config, content.get("architectures"), file)
    _check_code(content.get("auto_map"), model_class, file)
    return without_numbers(config, lambda: model_class(config), most)


def _class_of(config: PreTrainedConfig, architectures: Any, file: str) -> type[PreTrainedModel]:
    """The class of the architecture's own modelling code that config.json names."""
    name = architectures[0] if isinstance(architectures, list) and architectures else None
    code = importlib.import_module(type(config).__module__.rpartition(".")[0])
    found = getattr(code, name, None) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, PreTrainedModel) and found.config_class is type(config)):
        version = f"transformers {transformers.__version__}"
        raise UserError(f"{file}: architectures: {version} has no model {quoted(name)} of a {config.model_type}")
    return found


def _check_code(auto_map: Any, model_class: type[PreTrainedModel], file: str) -> None:
    """Refuses a map to other code than what `save` writes beside a model."""
    own = f"{_CODE.stem}.Pruned{model_class.__name__}"
    named = list(auto_map.values()) if isinstance(auto_map, dict) else [auto_map]
    if foreign := [one for one in named if one is not None and one != own]:
        raise UserError(
            f"{file}: auto_map names code of others, {quoted(foreign[0])}, which is never run; a pruned model has {own}"
        )


def _shaped(model: PreTrainedModel, structure: Structure, folder: Path, content: Mapping[str, Any]) -> PreTrainedModel:
    """The `model` with the layers that structure.json tells of, and config.json, too."""
    sublayers = sublayers_of(model)
    try:
        structure.depth.check(model.config)
    except ValueError as error:
        raise UserError(f"{folder / FILE_NAME}: {error}") from error
    structure.check(sublayers)
    layers = structure.shape(sublayers)
    if layers != content.get("pruned_shape", layers):
        raise UserError(f"{folder}: {FILE_NAME} and {CONFIG_NAME} tell of different layers; one of them was altered")
    take_shape(model.base_model, layers)
    return model


def _check_shapes(model: PreTrainedModel, there: weights.Shapes, file: Path) -> None:
    """That the weights' file holds all tensors of `model`, and no others."""
    needed = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    missing = sorted(needed.keys() - there.keys() - _tied(model))
    unknown = sorted(there.keys() - needed.keys())
    if missing or unknown:
        raise UserError(f"{file}: missing {quoted(missing)}, not known {quoted(unknown)}")
    for name, shape in there.items():
        if shape != needed[name]:
            raise UserError(
                f"{file} does not fit {FILE_NAME} and {CONFIG_NAME}: {name} is {weights.shape_text(shape)} there, not "
                f"{weights.shape_text(needed[name])}; one of them was altered"
            )


@torch.no_grad()
def _fill(model: PreTrainedModel, tensors: Mapping[str, Tensor], file: Path) -> None:
    """Gives `model`, which has no numbers yet, those of the weights' file."""
    dtype = weights.number_format(tensors, str(file))
    weights.check_finite(tensors.items(), str(file))
    model.to_empty(device="cpu")
    with torch.random.fork_rng(devices=()):
        described(f"{file.with_name(CONFIG_NAME)}", model.init_weights)  # for buffers that are not stored
    model.load_state_dict(tensors, strict=False)
    model.tie_weights()
    model.to(dtype)  # type: ignore[arg-type]  # as its stubs have it


def _tied(model: PreTrainedModel) -> set[str]:
    return set(getattr(model, "all_tied_weights_keys", None) or ())
