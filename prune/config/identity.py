"""What tells runs apart, and what the models that they share: the same config finds its run again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from functools import cache, reduce
from operator import getitem
from typing import Any

from prune.config.keys import REMOVED, nested_annotations
from prune.config.metadata import ROLE, Role
from prune.config.schema import Config

_HASH_LENGTH = 8


def fields_of(*roles: Role) -> tuple[str, ...]:
    """The fields of a run's config with one of these roles."""
    return tuple(item.name for item in fields(Config) if item.metadata.get(ROLE, Role.setting) in roles)


SESSION = fields_of(Role.session)
"""No recipe has these."""
NOT_SETTINGS = fields_of(Role.session, Role.annotation)
"""These change no result."""


def run_identity(named: dict[str, Any]) -> dict[str, Any]:
    """What tells the configuration of a run from others of its task, model and method, of a config's `differences`.

    The same for replicates: they differ in their seed.
    """
    settings = fields_of(Role.setting)
    identity = {key: value for key, value in named.items() if key in settings}
    for group in {"model", "task", "method", "schedule"} & identity.keys():
        identity[group] = {key: value for key, value in identity[group].items() if key != "name"}
    return identity


DENSE_SCHEDULE = (
    "dense_epochs", "budget_flops", "budget_seconds", "batch_size", "learning_rate", "weight_decay", "warmup",
    "precision", "eval_every",
)  # fmt: skip
"""What of the schedule the dense model depends on."""


PRUNING_OF_TASK = ("weights", "exemplar_weight")
"""What of the task the dense model does not depend on."""


def _without(values: dict[str, Any] | None, keys: tuple[str, ...]) -> dict[str, Any] | None:
    return None if values is None else {key: value for key, value in values.items() if key not in keys}


def dense_identity(named: dict[str, Any]) -> dict[str, Any]:
    """What tells the dense model of a run from others, its seed apart, of a config's `differences`."""
    return {
        "model": named.get("model"),
        "task": _without(named.get("task"), PRUNING_OF_TASK),
        "schedule": {key: value for key, value in named.get("schedule", {}).items() if key in DENSE_SCHEDULE},
    } | ({"data_seed": named["data_seed"]} if "data_seed" in named else {})


def differences(config: Config | dict[str, Any]) -> dict[str, Any]:
    """The values of `config`, or of what a record holds of it, that are not the schema's defaults, nested as in it.

    Fields at their default are left out, so that neither a new field nor a removed one renames an old run; and those of
    groups that change nothing in a run.
    """
    found = _differences(config if isinstance(config, dict) else asdict(config), _defaults())
    for key in nested_annotations():
        group, _, last = key.rpartition(".")
        if isinstance(of_group := reduce(_inside, group.split("."), found), dict):
            of_group.pop(last, None)
    return found


def _inside(values: Any, key: str) -> Any:
    return values.get(key, {}) if isinstance(values, dict) else {}


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


def data_seed(config: Config) -> int:
    """What subsets of examples are drawn by."""
    return config.seed if config.data_seed is None else config.data_seed
