"""Recipes: a YAML with choices of the four groups and the values that differ. Found by name or path, and checked to be
data: what a stranger wrote can run no code, read neither environment nor files, and write nowhere but in its own run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from prune.config.identity import SESSION
from prune.config.keys import GROUPS, Assignment, flatten, known_keys, problems_in
from prune.config.reference import ReferenceConfig
from prune.errors import ConfigErrors, UserError
from prune.files import strict_yaml
from prune.files.paths import expanded, is_folder, shipped
from prune.runtime.registry import nearest
from prune.runtime.sanitize import shown

PLACES = ("model.path", "model.dense", "task.path", "method.mask", "teacher")
"""Keys that name a folder or something on the hub."""
_NO_FOLDERS = (("teacher", "dense"), ("teacher", "none"), ("method.mask", ""))
"""Values of these keys that name none."""
OWN = "<folder>"
"""Stands in a recipe for a folder of the user's own, who has to name one."""
_SUFFIXES = (".yaml", ".yml")
_PLAIN_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
_OVERRIDE = re.compile(r"override /(\w+)")
_FROM_HUB = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?", flags=re.ASCII)
_FROM_PACKAGE = re.compile(r"pkg:/(/\w+)+", flags=re.ASCII)


def names() -> list[str]:
    """Recipes that ship with the package."""
    folder = shipped("recipes")
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.glob("**/*.yaml"))


def find(name: str) -> Path:
    """The file of a recipe that ships, or the one at a path that ends in .yaml.

    Raises:
        UserError: if there is none, with the nearest name.
    """
    if name in names():
        return shipped("recipes") / f"{name}.yaml"
    path = expanded(name)
    try:
        if path.suffix in _SUFFIXES and name.endswith(path.suffix) and path.is_file():
            return path
        if path.suffix in _SUFFIXES and path.exists():
            raise UserError(f"recipe={name}: is no file")
    except (OSError, ValueError) as error:  # a name too long, or with a NUL
        raise UserError(f"recipe={shown(name)}: no file has such a name") from error
    raise UserError(
        f"recipe={shown(name)}: there is no such recipe{nearest(name, names())}. `prune recipes` lists all; or name "
        "the path of a .yaml file"
    )


def read(path: Path) -> dict[str, Any]:
    """The content of a recipe, checked: it is data, names only what exists, and fits the schema.

    Raises:
        ConfigErrors: with everything that is wrong.
    """
    content = strict_yaml.read(path)
    refused = ConfigErrors(f"{path}: {problem}" for problem in _problems(content))
    if refused.problems:
        raise refused
    return content


def choices_of(content: dict[str, Any]) -> dict[str, str]:
    """Group -> the choice that a recipe makes."""
    entries = [entry for entry in content.get("defaults") or [] if isinstance(entry, dict)]
    return {key.removeprefix("override /"): choice for entry in entries for key, choice in entry.items()}


def promise_of(name: str) -> ReferenceConfig:
    """What a recipe's reference says; an empty one, if it has none."""
    start = strict_yaml.read(find(name)).get("reference") or {}
    found: ReferenceConfig = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ReferenceConfig), start))  # type: ignore[assignment]
    return found


def refuse_missing(config: DictConfig) -> None:
    """Raises ConfigErrors where the user's own folders are asked for and not named."""
    if missing := [key for key in PLACES if OmegaConf.select(config, key) == OWN]:
        raise ConfigErrors([f"{key}: the recipe was made with a folder; name yours with {key}=" for key in missing])


def _problems(content: dict[str, Any]) -> Iterator[str]:
    values = {key: value for key, value in content.items() if key != "defaults"}
    defaults = content.get("defaults") or []
    if isinstance(defaults, list):
        for entry in defaults:
            yield from _problems_of_default(entry)
    else:
        yield f"defaults: {shown(defaults)} is no list"
    if dotted := [key for key in strict_yaml.keys(values) if "." in key]:
        yield f"{shown(', '.join(dotted))}: a key with a dot is not allowed; nest the keys"
    for key in strict_yaml.keys(content):
        if key.startswith("_") or key == "trust_remote_code":
            yield f"{shown(key)}: a recipe is data, and runs no code"
    odd = {assignment.key: list(_odd(assignment)) for assignment in flatten(values)}
    for problems in odd.values():
        yield from problems
    yield from problems_in(one for one in flatten(values) if not odd[one.key])


def _odd(assignment: Assignment) -> Iterator[str]:
    """What a value must not be in a recipe, though it may be on the command line."""
    key, value, start = assignment.key, assignment.value, f"{shown(assignment.key)}={shown(assignment.value)}"
    if key.split(".")[0] in SESSION:
        yield f"{shown(key)}: a recipe does not say where or whether a run is carried out, nor how it is watched"
    elif not _is_plain(key, value):
        example = "such as ${schedule.epochs} to a value of the config"
        yield f"{start}: only plain references {example} are allowed, each a whole value"
    elif key in GROUPS:
        yield f"{start}: a choice stands in defaults, as `override /{key}:`"
    elif value == "???":
        yield f"{start}: say a value" + (f", or {OWN}" if key in PLACES else "")
    elif key in PLACES and isinstance(value, str):
        yield from _problems_of_place(key, value)


def _problems_of_place(key: str, name: str) -> Iterator[str]:
    """A recipe reads no files: of folders it can only say that there has to be one."""
    if name == OWN or (key, name) in _NO_FOLDERS or _FROM_PACKAGE.fullmatch(name):
        return
    start = f"{key}={shown(name)}: a recipe reads no files"
    if not _FROM_HUB.fullmatch(name):
        yield (
            f"{start}: it names what is on the hub, or {OWN} for a folder of the user's, who then says {key}=<folder>"
        )
    elif is_folder(Path(name)):
        yield f"{start}, and there is a folder of that name here; work in another folder"


def _problems_of_default(entry: Any) -> Iterator[str]:
    if entry == "_self_":
        return
    if isinstance(entry, dict) and len(entry) == 1:
        ((key, choice),) = entry.items()
        match = _OVERRIDE.fullmatch(str(key))
        if match and match.group(1) in GROUPS and isinstance(choice, str):
            yield from problems_in([Assignment(match.group(1), choice)])
            return
    yield f"defaults: {shown(entry)} is not allowed: only `override /group: choice` with {', '.join(GROUPS)}"


def _is_plain(key: str, value: Any) -> bool:
    """Whether `value` has no reference, or is one: several in a text or a list, and those of others, fill memory."""
    if isinstance(value, str) and (reference := _PLAIN_REFERENCE.fullmatch(value)) and "${" not in key:
        return reference[1] in set(known_keys()) - set(SESSION)
    return not any("${" in text for text in strict_yaml.texts([key, value]))
