"""Models and tokenizers by name: a local folder or the hub; errors that a user can act on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from prune.errors import UserError
from prune.places import locate

_T = TypeVar("_T")
_NO_CODE = {"trust_remote_code": False}
"""Unless it is said, transformers asks the user whether a model's own code may run."""


def tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer of the model at `path`; one without a token for padding (GPT-2) pads with its last token."""
    found = _from(path, lambda name: AutoTokenizer.from_pretrained(name, use_fast=True, **_NO_CODE))
    if found.pad_token is None:
        found.pad_token = found.eos_token or found.sep_token
    return found


def fresh_model(path: str, auto_class: str, settings: Mapping[str, Any], *, pretrained: bool) -> PreTrainedModel:
    """A model with a new head for the task: pretrained weights in float32, or random ones.

    Draws from torch's global generator: seed it first.
    """
    if pretrained:
        return finished_model(path, auto_class, settings)
    config = _from(path, lambda name: AutoConfig.from_pretrained(name, **_NO_CODE, **settings))
    model: PreTrainedModel = getattr(transformers, auto_class).from_config(config, dtype=torch.float32)
    return model


def finished_model(
    path: str, auto_class: str, settings: Mapping[str, Any] | None = None, option: str = "model.path"
) -> PreTrainedModel:
    """A model with its head, as it was saved, in float32; `settings` replace values of its config.

    `option` is the key that an error tells the user to change.
    """
    auto, settings = getattr(transformers, auto_class), settings or {}
    weights = {"dtype": torch.float32, "use_safetensors": True}
    model: PreTrainedModel = _from(
        path, lambda name: auto.from_pretrained(name, **weights, **_NO_CODE, **settings), option
    )
    return model


def put_in_order(model: PreTrainedModel, labels: Mapping[int, str] | None, option: str) -> None:
    """Puts a classifier's answers into the order of `labels`, where its config names them in another.

    Models that were trained on the same task by others often have another order, and would teach the wrong answers. One
    that names its labels LABEL_0 and so on does not tell, and stays as it is.

    Raises:
        UserError: if it names other labels.
    """
    theirs = [name.lower() for _, name in sorted((model.config.id2label or {}).items())]
    mine = [name.lower() for _, name in sorted((labels or {}).items())]
    if not mine or theirs == mine or all(name.startswith("label_") for name in theirs):
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
            raise UserError(f"{path} holds no usable model: {str(error).strip()}") from error
        raise UserError(
            f"{path} is no local folder, and could not be had from the hub ({type(error).__name__}). "
            f"Without a network, name a folder with {option}="
        ) from error


def config_of(path: str, option: str = "model.path") -> PreTrainedConfig:
    """What config.json of the model says."""
    folder = locate(path)
    if folder is not None:
        read_shape(folder)
    config: PreTrainedConfig = _from(path, lambda name: AutoConfig.from_pretrained(name, **_NO_CODE), option)
    return config


def read_shape(folder: Path) -> dict[str, Any]:
    """What config.json in `folder` says.

    Raises:
        UserError: if the folder or the file is not there, or is no JSON.
    """
    file = folder / "config.json"
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the model's folder with model.path=")
    if not file.is_file():
        raise UserError(f"{folder} holds no config.json: it is not the folder of a model")
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise UserError(f"{file} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} holds no mapping of keys to values")
    return content
