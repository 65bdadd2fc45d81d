"""The shape that a run gives a model that it trains from scratch: values of config.json that it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from transformers import PreTrainedConfig

from prune.errors import UserError
from prune.models.config_json import config_from
from prune.runtime.registry import nearest
from prune.runtime.sanitize import shown

KEY = "model.shape"
_OF_TOKENIZER = ("vocab_size", "type_vocab_size")
_OF_CODE = ("is_decoder", "add_cross_attention", "use_cache", "tie_word_embeddings")
_OF_HEADS = ("head_dim", "d_kv")
"""Sizes of a head that does not follow from the width."""


def reshaped(config: PreTrainedConfig, shape: Mapping[str, Any]) -> PreTrainedConfig:
    """`config` with the values of `shape`. Its keys may be the common names of an architecture's own: `hidden_size` is
    `n_embd` of GPT-2.

    Raises:
        UserError: naming a key that the architecture does not have, or a value that it cannot have.
    """
    known = settings_of(config)
    for key, value in shape.items():
        if key not in known:
            raise UserError(_unknown(key, known, config))
        _check_kind(key, value, getattr(config, key))
    named = {config.attribute_map.get(key, key): value for key, value in shape.items()}
    content = config.to_dict() | named
    if "layer_types" not in shape:
        content.pop("layer_types", None)  # one for each layer; follows from their number
    found = config_from(content, KEY, config.name_or_path or "")
    _check_heads(found, shape)
    return found


def settings_of(config: PreTrainedConfig) -> list[str]:
    """The keys of an architecture's own that a run may set, common names included."""
    common = {field.name for field in fields(PreTrainedConfig)}
    own = {field.name for field in fields(config)} - common - {*_OF_TOKENIZER, *_OF_CODE}
    names = own | {name for name, key in config.attribute_map.items() if key in own}
    return sorted(name for name in names if not name.endswith("_token_id"))


def _unknown(key: str, known: list[str], config: PreTrainedConfig) -> str:
    start = f"{KEY}.{shown(key)}"
    if key in _OF_TOKENIZER or key.endswith("_token_id"):
        return f"{start}: follows from the tokenizer; leave it out"
    return f"{start}: a {config.model_type} has no such setting{nearest(key, known)}. Known: {', '.join(known)}"


def _check_kind(key: str, value: Any, usual: Any) -> None:
    """Raises UserError where `value` is of another kind than the `usual` one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(usual, bool):
        fits, kind = isinstance(value, bool), "true or false"
    elif isinstance(usual, int):
        fits, kind = isinstance(value, int) and is_number and value > 0, "a whole number above 0"
    elif isinstance(usual, float):
        fits, kind = is_number and value >= 0, "a number of at least 0"
    elif isinstance(usual, str):
        fits, kind = isinstance(value, str), f"a text such as {usual}"
    else:
        fits, kind = is_number, "a number"
    if not fits:
        raise UserError(f"{KEY}.{key}={shown(value)}: must be {kind}")


def _check_heads(config: PreTrainedConfig, shape: Mapping[str, Any]) -> None:
    """Raises UserError where heads do not share the width equally, whether transformers would say so or not."""
    width, heads = (getattr(config, name, None) for name in ("hidden_size", "num_attention_heads"))
    if any(hasattr(config, name) for name in _OF_HEADS) or not (width and heads) or width % heads == 0:
        return
    raise UserError(
        f"{KEY}: hidden_size={width} is no multiple of num_attention_heads={heads}; set either "
        f"({', '.join(f'{key}={shown(value)}' for key, value in shape.items())} given)"
    )
