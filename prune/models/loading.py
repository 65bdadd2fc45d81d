"""Models and tokenizers by name: a local folder or the hub; errors that a user can act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from torch import nn
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import CONFIG_NAME, GENERATION_CONFIG_NAME

from prune.config.schema import ModelConfig
from prune.errors import UserError
from prune.files import strict_json
from prune.files.paths import locate
from prune.models import weights
from prune.models.architecture import new_model, skeleton
from prune.models.config_json import config_from, described
from prune.models.shape import reshaped
from prune.runtime.sanitize import one_line, quoted

_T = TypeVar("_T")
_LARGEST = 2**24
"""Bytes of a config.json."""


def tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer of the model at `path`; one without a token for padding (GPT-2) pads with its last token."""
    config = config_of(path)
    found = _from(path, lambda name: _tokenizer(name, config))
    if found.pad_token is None:
        found.pad_token = found.eos_token or found.sep_token
    return found


def _tokenizer(name: str, config: PreTrainedConfig) -> PreTrainedTokenizerBase:
    """Raises ValueError, or OSError, for whatever transformers raises where its files make no sense."""
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name, config=config, trust_remote_code=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"its tokenizer cannot be read ({type(error).__name__}: {error})") from error
    return found


def fresh_model(path: str, auto_class: str, settings: Mapping[str, Any]) -> PreTrainedModel:
    """A model with pretrained weights in float32, and a new head for the task.

    Draws from torch's global generator: seed it first.
    """
    return _with_weights(path, auto_class, settings, "model.path", new_head=True)


def random_model(model: ModelConfig, auto_class: str, settings: Mapping[str, Any]) -> PreTrainedModel:
    """The same with random weights, in the shape that the run gives it."""
    config = config_of_run(model, settings)
    skeleton(config, auto_class)
    return new_model(config, auto_class)


def finished_model(path: str, auto_class: str, option: str = "model.path") -> PreTrainedModel:
    """A model with its head, as it was saved, in float32.

    `option` is the key that an error tells the user to change.
    """
    return _with_weights(path, auto_class, {}, option)


def _with_weights(
    path: str,
    auto_class: str,
    settings: Mapping[str, Any],
    option: str,
    *,
    new_head: bool = False,
) -> PreTrainedModel:
    """The model at `path`. `new_head`: whether its head may have random numbers.

    Raises:
        UserError: if its files describe no model, or hold other weights than it has.
    """
    config, folder = config_of(path, option, settings), locate(path)
    skeleton(config, auto_class)
    check_weights(path)
    if folder is not None:
        generation_config(folder)
    model, found = _from(
        path,
        lambda name: getattr(transformers, auto_class).from_pretrained(
            name,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        ),
        option,
    )
    for name, there, needed in found["mismatched_keys"]:
        held, wanted = weights.shape_text(there), weights.shape_text(needed)
        raise UserError(f"{option}={path}: {name} is {held} there; the model needs {wanted}")
    if lacking := sorted(name for name in found["missing_keys"] if not (new_head and _is_of_head(model, name))):
        raise UserError(f"{option}={path}: its weights lack {', '.join(lacking[:3])} ({len(lacking)} in all)")
    if beyond := sorted(name for name in found["unexpected_keys"] if _is_of_another_layer(model, name)):
        raise UserError(
            f"{option}={path}: its weights hold {quoted(beyond[0])}, a layer that its {CONFIG_NAME} does not count"
        )
    weights.check_finite(model.named_parameters(), f"{option}={path}")
    result: PreTrainedModel = model
    return result


def _is_of_head(model: PreTrainedModel, name: str) -> bool:
    """Whether a tensor is one that every task trains anew: outside the base model, or of its pooler."""
    start = f"{model.base_model_prefix}."
    return "pooler" in name.split(".") or (model.base_model is not model and not name.startswith(start))


def _is_of_another_layer(model: PreTrainedModel, name: str) -> bool:
    """Whether a tensor is of a layer beyond those of the model."""
    layer, modules = re.match(r"(.+?)\.\d+(?=\.)", name), dict(model.named_modules())
    starts = ("", f"{model.base_model_prefix}.")
    return layer is not None and any(s + layer[1] in modules and s + layer[0] not in modules for s in starts)


def check_weights(path: str) -> None:
    """That the weights of the model at `path` are whole, where it is a local folder; without a look at their values.

    Raises:
        UserError: if they are not.
    """
    if (folder := locate(path)) is not None:
        weights.check_folder(folder)


def generation_config(folder: Path) -> GenerationConfig | None:
    """How the model in `folder` writes; None where it does not say.

    Raises:
        UserError: if the file says nothing that makes sense.
    """
    file = folder / GENERATION_CONFIG_NAME
    if not file.exists():
        return None
    content = strict_json.read(file)
    found: GenerationConfig = described(str(file), lambda: GenerationConfig.from_dict(content), "generation")
    return found


def align_labels(model: PreTrainedModel, labels: Mapping[int, str] | None, option: str) -> None:
    """Puts a classifier's answers into the order of `labels`, where its config names them in another.

    Models that were trained on the same task by others often have another order, and would teach the wrong answers. One
    that names its labels LABEL_0 and so on does not tell, and stays as it is.

    Raises:
        UserError: if it names other labels.
    """
    theirs = [name.lower() for _, name in sorted((model.config.id2label or {}).items())]
    mine = [name.lower() for _, name in sorted((labels or {}).items())]
    if not mine or theirs == mine:
        return
    if len(theirs) == len(mine) and all(name.startswith("label_") for name in theirs):
        return
    if sorted(theirs) != sorted(mine):
        raise UserError(
            f"{option}: its labels are {', '.join(theirs)}, those of the task {', '.join(mine)}: which is which? Name "
            "them alike, in its config.json or with task.labels=[...]"
        )
    order = [theirs.index(name) for name in mine]
    head = [layer for layer in model.modules() if isinstance(layer, nn.Linear) and layer.out_features == len(mine)][-1]
    for parameter in head.parameters():
        parameter.data = parameter.data[order]
    model.config.id2label, model.config.label2id = dict(labels or {}), {name: i for i, name in (labels or {}).items()}


def _from(path: str, read: Callable[[str], _T], option: str = "model.path") -> _T:
    folder = locate(path)
    if folder is not None and not folder.is_dir():
        raise UserError(f"{path}: there is no such folder. Name the model's folder with {option}=")
    try:
        return read(str(folder or path))
    except (OSError, ValueError) as error:
        if folder is not None:
            raise UserError(f"{path} holds no usable model: {one_line(str(error).strip())[:300]}") from error
        raise UserError(
            f"{path} is no local folder, and could not be had from the hub ({type(error).__name__}). "
            f"Without a network, name a folder with {option}="
        ) from error


def config_of(path: str, option: str = "model.path", settings: Mapping[str, Any] | None = None) -> PreTrainedConfig:
    """What config.json of the model says; `settings` replace values.

    Raises:
        UserError: if it cannot be had, or describes no model.
    """
    folder = locate(path)
    if folder is not None:
        return config_from(read_shape(folder, option), f"{folder / CONFIG_NAME}", str(folder), settings)
    content, _ = _from(path, PreTrainedConfig.get_config_dict, option)
    return config_from(content, f"{option}={path}: {CONFIG_NAME}", path, settings)


def config_of_run(model: ModelConfig, settings: Mapping[str, Any] | None = None) -> PreTrainedConfig:
    """The same of the model of a run, in the shape that the run gives it.

    Raises:
        UserError: if it cannot be had, or no such model can have that shape.
    """
    config = config_of(model.path, settings=settings)
    return reshaped(config, model.shape) if model.shape else config


def read_shape(folder: Path, option: str = "model.path") -> dict[str, Any]:
    """What config.json in `folder` says.

    Raises:
        UserError: if the folder or the file is not there, or is no JSON.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the model's folder with {option}=")
    try:
        return strict_json.read(folder / CONFIG_NAME, _LARGEST)
    except FileNotFoundError:
        raise UserError(f"{folder} holds no {CONFIG_NAME}: it is not the folder of a model") from None
