"""What config.json of a model may say, whoever wrote it: which model it is, and nothing that leads elsewhere.

transformers takes from it where code, kernels and weights lie, too, and builds whatever sizes it names.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import transformers
from transformers import CONFIG_MAPPING, PreTrainedConfig

from prune.errors import UserError
from prune.runtime.sanitize import one_line, quoted

_T = TypeVar("_T")
_LARGEST = 2**26
"""No width, vocabulary, position or angle is larger."""
_LARGEST_COUNT, _MOST_LABELS = 2**20, 2**14
"""Of layers and the like, of which transformers makes lists that long."""
_SPREADS = ("initializer_range", "init_std", "initializer_factor")
"""Of random weights."""
_WIDEST = 1000
_COUNTS = re.compile(r"^(num|n)_|_(heads|layers)$")
_DTYPES = (None, "float16", "bfloat16", "float32", "float64")
_ATTENTIONS = (None, "eager", "sdpa")
_ALLOWED: Mapping[str, tuple[str | None, ...]] = {
    **dict.fromkeys(("dtype", "torch_dtype"), _DTYPES),
    **dict.fromkeys(("attn_implementation", "_attn_implementation", "_attn_implementation_internal"), _ATTENTIONS),
    **dict.fromkeys(("experts_implementation", "_experts_implementation", "_experts_implementation_internal"), (None,)),
    **dict.fromkeys(("quantization_config", "compression_config", "fusion_config", "distributed_config"), (None,)),
    **dict.fromkeys(("configuration_files", "transformers_weights", "per_layer_config"), (None,)),
}
"""Keys that name what transformers loads or runs, and the values that it needs nothing else for."""


def config_from(
    content: Mapping[str, Any], file: str, name: str, settings: Mapping[str, Any] | None = None
) -> PreTrainedConfig:
    """The config that `content`, that of `file`, describes; `settings` replace values. `name`: of the model.

    Raises:
        UserError: if it describes no model that transformers knows, or names more than that.
    """
    kind = content.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        known = f"transformers {transformers.__version__} knows no such model"
        raise UserError(f"{file}: model_type {quoted(kind)}: {known}{_own_code(content)}")
    config_class = CONFIG_MAPPING[kind]
    if problem := next(_problems(content, config_class), None):
        raise UserError(f"{file}: {problem}")
    return described(file, lambda: config_class.from_dict(dict(content), name_or_path=name, **settings or {}))


def described(file: str, build: Callable[[], _T], what: str = "model") -> _T:
    """What `build` makes of what `file` says: a model, or `what` else it is named.

    transformers raises anything where that makes no sense.

    Raises:
        UserError: if it does.
    """
    try:
        return build()
    except (UserError, MemoryError):
        raise
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")[:300]
        raise UserError(f"{file} describes no {what}: {reason}") from error


def _own_code(content: Mapping[str, Any]) -> str:
    if "auto_map" not in content:
        return ""
    return f"; its own code (auto_map: {quoted(content['auto_map'])}) is never run"


def _problems(content: Mapping[str, Any], config_class: type[PreTrainedConfig]) -> Iterator[str]:
    yield from _elsewhere(content)
    code = _of_code(config_class)
    for key, value in content.items():
        if key.startswith("__") or key in code:
            yield f"{quoted(key)} is no setting of a model"
        if key in _SPREADS and not (isinstance(value, (int, float)) and 0 <= value <= _WIDEST):
            yield f"{key}={quoted(value)}: must be a number from 0 to {_WIDEST}"
        if isinstance(value, int):
            yield from _problems_of_number(key, value)
    labels = content.get("num_labels"), content.get("id2label")
    if any(_size(one) > _MOST_LABELS for one in labels):
        yield f"num_labels, id2label: at most {_MOST_LABELS} labels are possible"


def _problems_of_number(key: str, value: int) -> Iterator[str]:
    is_count = _COUNTS.search(key) is not None
    if abs(value) > (most := _LARGEST_COUNT if is_count else _LARGEST):
        yield f"{key}={quoted(value)}: at most {most} is possible"
    if is_count and value < 0:
        yield f"{key}={quoted(value)}: must be at least 0"


def _size(value: Any) -> int:
    return value if isinstance(value, int) else len(value) if isinstance(value, dict) else 0


def _of_code(config_class: type[PreTrainedConfig]) -> set[str]:
    """Attributes that are the class's own: methods, and what tells transformers how to handle it."""
    settings = {field.name for field in fields(config_class)} | {"model_type"}
    return {
        name
        for name in dir(config_class)
        if name not in settings and not isinstance(inspect.getattr_static(config_class, name), property)
    }


def _elsewhere(content: Any) -> Iterator[str]:
    """Values that lead elsewhere, those in nested mappings included."""
    for key, value in content.items():
        if key in _ALLOWED and value not in _ALLOWED[key]:
            possible = ", ".join("null" if one is None else one for one in _ALLOWED[key])
            yield f"{key}={quoted(value)}: only {possible} is read, since no code and no file beside the model is"
        if isinstance(value, dict):
            yield from _elsewhere(value)
