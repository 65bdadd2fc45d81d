"""The recipe that a run leaves: it reproduces the run, and says what it gave."""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict, fields
from functools import cache
from operator import attrgetter
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune import __version__
from prune.config.identity import SESSION, differences
from prune.config.keys import GROUPS, choices, without_removed
from prune.config.reference import EnvironmentConfig
from prune.config.schema import Config
from prune.config.targets import target_of
from prune.errors import UserError
from prune.files.paths import locate, shipped
from prune.recipes.library import OWN, PLACES
from prune.results.record import Record
from prune.runtime.sanitize import shown
from prune.runtime.wording import batch_in_words, times_faster
from prune.tasks.metrics.specs import spec_of

_WIDTH = 120
_INTERPOLATION = re.compile(r"(\\*)\$\{")


def config_of(record: Record) -> Config:
    """The config that a run's record holds, without keys that have been removed since; nothing is an interpolation.

    Raises:
        UserError: if it has settings that this version does not know.
    """
    content = _literal(without_removed(record.config))
    try:
        found: Config = OmegaConf.to_object(OmegaConf.merge(_schema(), content))  # type: ignore[assignment]
    except (OmegaConfBaseException, ValueError) as error:
        raise UserError(
            f"a run of {record.method} on {record.task}: the config in its record cannot be read by version "
            f"{__version__} ({shown(str(error).splitlines()[0])})"
        ) from error
    return found


def _literal(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _literal(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_literal(value) for value in content]
    return _INTERPOLATION.sub(r"\1\1\\${", content) if isinstance(content, str) else content


@cache
def _schema() -> DictConfig:
    schema: DictConfig = OmegaConf.structured(Config)
    return schema


def recipe_of(config: Config, record: Record) -> str:
    """The text of a recipe that reproduces `record`, with what it gave under `reference`.

    Folders of this machine are not in it: it asks for them, and tells by fingerprints whether they hold the same data.
    """
    chosen = {group: name for group in GROUPS if (name := getattr(config, group).name) in choices(group)}
    values = {key: value for key, value in differences(config).items() if key not in (*GROUPS, *SESSION)}
    plain = {group: _without_enums(asdict(getattr(config, group))) for group in GROUPS}
    if (target := target_of(config)) is not None and target.is_time:
        plain["method"]["shape"] = record.shapes  # which times were measured is a matter of chance
    if config.schedule.budget_seconds is not None and "dense" in record.training:
        plain["schedule"] |= {"budget_seconds": None, "dense_epochs": record.training["dense"]["epochs"]}
    content = plain | _without_enums(values) | {"reference": reference_of(record)}
    for key in _folders(config):
        group, _, last = key.rpartition(".")
        place = content[group] if group else content
        if _choice_of(group, chosen).get(last) == place[last]:
            del place[last]
        else:
            place[last] = OWN
    head = (
        "# @package _global_\n"
        f"# {record.method} on {record.task} with {record.model}: {record.metric} "
        f"{record.spec.format_value(record.value)} ({record.spec.format_difference(record.difference)} against dense), "
        f"{times_faster(record.speedup)}.\n"
        f"# {command(config, '<path of this file>', '<folder>')}\n"
    )
    defaults = [{f"override /{group}": name} for group, name in chosen.items()] + ["_self_"]
    content = {"defaults": defaults, **content}
    return head + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


class _Dumper(yaml.SafeDumper):
    """Numbers of a list stand in one line."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        numbers = all(isinstance(item, (int, float)) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=numbers or flow_style)


def command(config: Config, recipe: str, folder: str | None = None) -> str:
    """What reproduces the run of `config`, given where its recipe lies; `folder` stands for its own folders."""
    own = {key: folder or shlex.quote(attrgetter(key)(config)) for key in _folders(config)}
    return " ".join([f"prune recipe={recipe}", *(f"{key}={name}" for key, name in own.items())])


def reference_of(record: Record) -> dict[str, Any]:
    """What a run gave, as a reference for others: see prune/config/reference.py."""
    last, environment = record.speed[-1], record.environment
    return {
        "source": f"a run with seed {record.seed}, by version {__version__}",
        "scores": _main_first(record, record.scores),
        "dense_scores": _main_first(record, record.dense_scores),
        "linear_density": record.linear_density,
        "speedup": record.speedup,
        "hardware": record.measured_on,
        "measured": f"batch {batch_in_words(last)}",
        "environment": {
            name: environment[name] for field in fields(EnvironmentConfig) if (name := field.name) in environment
        },
    }


def _main_first(record: Record, scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Without the thresholds, which are no scores."""
    return {
        split: {name: metrics[name] for name in (record.metric, *metrics) if spec_of(name).is_score}
        for split, metrics in scores.items()
    }


def _folders(config: Config) -> list[str]:
    """The keys of `config` that name folders of this machine."""
    named = {key: attrgetter(key)(config) for key in PLACES}
    return [
        key
        for key, name in named.items()
        if name and not name.startswith("pkg://") and name not in ("dense", "none") and locate(name) is not None
    ]


def _choice_of(group: str, chosen: dict[str, str]) -> dict[str, Any]:
    """What the choice of a group says by itself, folders included."""
    if group not in chosen:
        return {}
    return dict(yaml.safe_load((shipped("configs") / group / f"{chosen[group]}.yaml").read_text("utf-8")))


def _without_enums(values: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(values), enum_to_str=True)  # type: ignore[assignment]
    return plain
