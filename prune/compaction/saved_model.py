"""Saving a compact model, and loading it into a working transformers model."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import CONFIG_NAME

from prune.compaction import modeling_pruned
from prune.compaction.structure import Structure, place_of
from prune.errors import UserError
from prune.files.paths import PACKAGE
from prune.models import weights
from prune.models.architecture import family_of, skeleton, sublayers_of, without_numbers
from prune.models.config_json import config_from, described
from prune.models.loading import generation_config, read_shape
from prune.runtime.sanitize import quoted

_CODE = PACKAGE / "compaction" / "modeling_pruned.py"
_IMPORTED = _CODE.with_name("token_pooling.py")
_OWN_CODE = re.compile(rf"{_CODE.stem}\.\w+", re.ASCII)
_TIED = 16
"""Parameters that are stored once and stand in several places, at most."""


def save(model: PreTrainedModel, structure: Structure, tokenizer: Any, folder: Path) -> None:
    """Writes config, safetensors and tokenizer into `folder`, and the code that loads them anywhere.

    With it, the auto classes of transformers need no package of ours, but `trust_remote_code=True`.
    """
    model.config.pruned_structure = structure.written()
    if shape := structure.shape(sublayers_of(skeleton(model.config))):
        model.config.pruned_shape, model.config.auto_map = shape, modeling_pruned.auto_map(type(model.config))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if shape:
        for file in (_CODE, _IMPORTED):
            shutil.copyfile(file, folder / file.name)


def load(path: str | Path) -> PreTrainedModel:
    """The pruned model in the folder `path`, in evaluation mode: a transformers model with smaller matrices.

    Weights are read from safetensors only, and no code of the folder is run. Memory is taken for the weights that are
    there, whatever the other files say.

    Raises:
        UserError: if a file is missing or altered, or the weights do not fit config.json.
    """
    folder = Path(path)
    content, structure = read_shape(folder), Structure.read(folder)
    there = weights.shapes(folder / weights.FILE_NAME)
    model = _without_numbers(folder, content, structure, most=2 * len(there) + _TIED)
    _check_shapes(model, there, folder / weights.FILE_NAME)
    _fill(model, load_file(folder / weights.FILE_NAME), folder / weights.FILE_NAME)
    if model.can_generate() and (found := generation_config(folder)) is not None:
        model.generation_config = found
    result: PreTrainedModel = model.eval()
    return result


def _without_numbers(folder: Path, content: Mapping[str, Any], structure: Structure, most: int) -> PreTrainedModel:
    """The model that config.json describes; `most`: of its parameters."""
    file = f"{folder / CONFIG_NAME}"
    config = config_from(content, file, str(folder))
    family_of(config)
    config.pruned_structure = structure.written()
    model_class = _class_of(config, content.get("architectures"), file)
    _check_code(content.get("auto_map"), file)
    whole = without_numbers(config, lambda: model_class(config), most)
    if not (shape := _shape(config, structure, folder, content)):
        return whole
    config.pruned_shape = shape

    def shaped() -> PreTrainedModel:
        with torch.device("meta"):
            model: PreTrainedModel = getattr(modeling_pruned, model_class.__name__)(config)
        return model

    return described(file, shaped)


def _class_of(config: PreTrainedConfig, architectures: Any, file: str) -> type[PreTrainedModel]:
    """The class of the architecture's own modelling code that config.json names."""
    name = architectures[0] if isinstance(architectures, list) and architectures else None
    code = importlib.import_module(type(config).__module__.rpartition(".")[0])
    found = getattr(code, name, None) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, PreTrainedModel) and found.config_class is type(config)):
        version = f"transformers {transformers.__version__}"
        raise UserError(f"{file}: architectures: {version} has no model {quoted(name)} of a {config.model_type}")
    return found


def _check_code(auto_map: Any, file: str) -> None:
    """Refuses a map to other code than what `save` writes beside a model."""
    named = auto_map if isinstance(auto_map, dict) else {} if auto_map is None else {"": auto_map}
    for auto_class, code in named.items():
        if not (auto_class.startswith("AutoModel") and _OWN_CODE.fullmatch(str(code))):
            raise UserError(
                f"{file}: auto_map names code of others, {quoted(code)}, which is never run; that of a pruned model is "
                f"{_CODE.name} beside it, for models alone"
            )


def _shape(
    config: PreTrainedConfig, structure: Structure, folder: Path, content: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What `take_shape` needs, which config.json tells twice: for this package, and for the code beside the weights."""
    place, sublayers = place_of(folder, content), sublayers_of(skeleton(config))
    try:
        structure.depth.check(config)
        structure.check(sublayers)
    except ValueError as error:
        raise UserError(f"{place}: {error}") from error
    shape = structure.shape(sublayers)
    if shape != content.get("pruned_shape", shape):
        raise UserError(f"{place} and pruned_shape of {CONFIG_NAME} tell of different layers; one of them was altered")
    return shape


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
                f"{file} does not fit {CONFIG_NAME}: {name} is {weights.shape_text(shape)} there, not "
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
