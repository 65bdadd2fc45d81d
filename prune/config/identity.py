"""What tells runs apart, and what the models that they share: the same config finds its run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache, reduce
from operator import getitem
from typing import Any

from prune.config.keys import REMOVED
from prune.config.schema import Config, Finish, ScheduleConfig
from prune.config.targets import ONE_SHOT

_HASH_LENGTH = 8
_NOT_OF_THE_CONFIGURATION = ("seed", "outputs", "force", "tracking", "report", "search", "reference")
"""Keys of a config that tell replicates apart, or say where and how a run is carried out, watched and searched for."""


def run_identity(named: dict[str, Any]) -> dict[str, Any]:
    """What tells the configuration of a run from others of its task, model and method, of a config's `differences`.

    The same for replicates: they differ in their seed.
    """
    identity = {key: value for key, value in named.items() if key not in _NOT_OF_THE_CONFIGURATION}
    for group in {"model", "task", "method", "schedule"} & identity.keys():
        identity[group] = {key: value for key, value in identity[group].items() if key != "name"}
    return identity


def dense_identity(named: dict[str, Any]) -> dict[str, Any]:
    """What tells the dense model of a run from others, its seed apart, of a config's `differences`."""
    used = ("dense_epochs", "batch_size", "learning_rate", "weight_decay", "warmup", "precision")
    return {
        "model": named.get("model"),
        "task": named.get("task"),
        "schedule": {key: value for key, value in named.get("schedule", {}).items() if key in used},
    }


def dense_inputs(config: Config) -> dict[str, Any]:
    """All that the dense model of `config` depends on."""
    return dense_identity(differences(config)) | {"seed": config.seed}


def pruned_inputs(config: Config, removed: Mapping[str, Any]) -> dict[str, Any]:
    """All that a method's long part depends on: neither its finish nor its fill (one_shot: nor its target).

    `removed`: settings of an older version that the run was made with; see `removed_settings`.
    """
    named, dense = differences(config), dense_inputs(config)
    if config.method.kind == ONE_SHOT:
        return {"examples": config.method.importance_examples, "dense": dense}
    unused = {
        "method": {"name", "finish"},
        "schedule": {"name", "eval_batch_size"}
        | {field.name for field in fields(ScheduleConfig) if field.name.startswith("fill_")},
    }
    inputs: dict[str, Any] = {
        group: {key: value for key, value in named.get(group, {}).items() if key not in keys}
        for group, keys in unused.items()
    }
    inputs |= {"dense": dense, "teacher": config.teacher, "distillation": named.get("distillation")}
    if "target" in named:
        inputs |= {"target": named["target"], "speed": named.get("evaluate", {}).get("speed")}
        inputs["first_token_only"] = config.compact.first_token_only
    if config.target.density is not None and config.method.finish is Finish.fill:
        inputs["filled"] = True  # then masked weights of kept units count
    return inputs | {key.rpartition(".")[2]: value for key, value in removed.items()}


def differences(config: Config | dict[str, Any]) -> dict[str, Any]:
    """The values of `config`, or of what a record holds of it, that are not the schema's defaults, nested as in it.

    Fields at their default are left out, so that neither a new field nor a removed one renames an old run.
    """
    return _differences(config if isinstance(config, dict) else asdict(config), _defaults())


def _differences(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in values.items():
        default = defaults.get(key)
        if value == default:
            continue
        if not (isinstance(value, dict) and isinstance(default, dict)):
            found[key] = value
        elif nested := _differences(value, default):  # empty where a record is older than a field
            found[key] = nested
    return found


@cache
def _defaults() -> dict[str, Any]:
    defaults = asdict(Config())
    for key, removed in REMOVED.items():
        *groups, last = key.split(".")
        reduce(getitem, groups, defaults)[last] = removed.default
    return defaults


def digest(content: Any) -> str:
    """A short name that follows from `content`."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
