"""Recipes: a YAML with choices of the four groups and the values that differ. Found by name or path, checked to be
data, handed to Hydra; and written by every run.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from prune.assignments import GROUPS, Assignment, choices, flatten, problems_in
from prune.config import Config
from prune.discovery import nearest
from prune.errors import ConfigErrors, UserError
from prune.outputs import differences
from prune.places import shipped
from prune.report.record import Record

_LARGEST = 100_000
_PLAIN_REFERENCE = re.compile(r"\$\{[A-Za-z_][\w.]*\}")
_OVERRIDE = re.compile(r"override /(\w+)")
_NOT_A_RECIPES = ("outputs", "force", "search")


def names() -> list[str]:
    """Recipes that ship with the package."""
    folder = shipped("recipes")
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.glob("**/*.yaml"))


def find(name: str) -> Path:
    """The file of a recipe that ships, or the one at a path that ends in .yaml.

    Raises:
        UserError: if there is none, with the nearest name.
    """
    path = Path(name).expanduser() if name.endswith((".yaml", ".yml")) else shipped("recipes") / f"{name}.yaml"
    if path.is_file() and (name in names() or (path.suffix in (".yaml", ".yml") and name.endswith(path.suffix))):
        return path
    raise UserError(
        f"recipe={name}: there is no such recipe{nearest(name, names())}. Choices: {', '.join(names())}, "
        "or the path of a .yaml file"
    )


def read(path: Path) -> dict[str, Any]:
    """The content of a recipe, checked: it is data, names only what exists, and fits the schema.

    Raises:
        ConfigErrors: with everything that is wrong.
    """
    if path.stat().st_size > _LARGEST:
        raise UserError(f"{path} has {path.stat().st_size} bytes: a recipe has at most {_LARGEST}")
    try:
        text = path.read_text()
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise UserError(f"{path}: anchors and aliases are not allowed in a recipe")
        content = yaml.load(text, Loader=_UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no plain YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no mapping of keys to values")
    if problems := _problems(content):
        raise ConfigErrors([f"{path}: {problem}" for problem in problems])
    return content


def _problems(content: dict[str, Any]) -> list[str]:
    values = {key: value for key, value in content.items() if key != "defaults"}
    problems = []
    defaults = content.get("defaults") or []
    if not isinstance(defaults, list):
        problems.append(f"defaults: {defaults!r} is no list")
        defaults = []
    for entry in defaults:
        problems += _problems_of_default(entry)
    if dotted := [key for key in _keys(values) if "." in key]:
        problems.append(f"{', '.join(dotted)}: a key with a dot is not allowed; nest the keys")
    for assignment in flatten(values):
        if assignment.key.split(".")[0] in _NOT_A_RECIPES:
            problems.append(
                f"{assignment.key}: a recipe does not say where or whether a run is carried out, nor what is searched"
            )
        elif any(not _is_plain(text) for text in _texts([assignment.key, assignment.value])):
            problems.append(f"{assignment.key}={assignment.value}: only plain references such as ${{a.b}} are allowed")
        elif assignment.key in GROUPS:
            problems.append(
                f"{assignment.key}={assignment.value}: a choice stands in defaults, as `override /{assignment.key}:`"
            )
        else:
            problems += problems_in([assignment])
    return problems


def _problems_of_default(entry: Any) -> list[str]:
    if entry == "_self_":
        return []
    if isinstance(entry, dict) and len(entry) == 1:
        ((key, choice),) = entry.items()
        match = _OVERRIDE.fullmatch(str(key))
        if match and match.group(1) in GROUPS and isinstance(choice, str):
            return problems_in([Assignment(match.group(1), choice)])
    return [f"defaults: {entry!r} is not allowed: only `override /group: choice` with {', '.join(GROUPS)}"]


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping that names a key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


def _keys(content: Any) -> list[str]:
    """All keys of a nested mapping."""
    if not isinstance(content, dict):
        return []
    return [key for name, item in content.items() for key in (str(name), *_keys(item))]


def _texts(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return [text for pair in value.items() for text in _texts(pair)]
    return [value] if isinstance(value, str) else []


def _is_plain(text: str) -> bool:
    return "${" not in _PLAIN_REFERENCE.sub("", text)


def config_of(record: Record) -> Config:
    """The config that a run's record holds."""
    found: Config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), record.config))  # type: ignore[assignment]
    return found


def recipe_of(config: Config, record: Record) -> str:
    """The text of a recipe that reproduces `record`, with what it gave under `reference`."""
    groups = {group: name for group in GROUPS if (name := getattr(config, group).name) in choices(group)}
    values = differences(config)
    for key in _NOT_A_RECIPES:
        values.pop(key, None)
    values["reference"] = {
        "metric": record.metric,
        "value": record.value,
        "dense_value": record.dense_value,
        "linear_density": record.linear_density,
        "speedup": record.speedup,
        "scores": record.scores,
        "environment": record.environment,
    }
    for group in GROUPS:
        values.pop(group, None)
    plain = {group: _without_enums(asdict(getattr(config, group))) for group in GROUPS}
    content = {"defaults": [{f"override /{g}": n} for g, n in groups.items()] + ["_self_"], **plain, **values}
    head = (
        "# @package _global_\n"
        f"# {record.method} on {record.task} with {record.model}: {record.metric} {100 * record.value:.2f} "
        f"({100 * record.difference:+.2f} against dense), {record.speedup:.2f} times faster.\n"
        "# prune recipe=<path of this file>\n"
    )
    body: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return head + body


def _without_enums(values: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(values), enum_to_str=True)  # type: ignore[assignment]
    return plain
