"""From the words of a command to typed configs: checked first, then composed by Hydra."""

from __future__ import annotations

import hashlib
import math
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune import processes, recipes
from prune.assignments import Assignment, problems_in
from prune.checks import check
from prune.config import Config
from prune.errors import ConfigErrors, UserError
from prune.places import shipped
from prune.targets import each


class _HasValue(Protocol):
    @property
    def value(self) -> float:
        """The main metric, for whoever searches over configs."""


Result = TypeVar("Result", bound=_HasValue)

_FLAGS_WITH_VALUE = ("--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "-sc", "--shell-completion")
_SWEEP_FLAGS = ("-m", "--multirun")
_COMPLETION_FLAGS = ("-sc", "--shell-completion")


def compose_and_call(words: list[str], call: Callable[[Config], Result]) -> list[Result]:
    """Composes a config from `words` and calls `call` with it: once, or once per combination and target of a sweep.

    A combination that fails by a user's mistake does not stop the others.

    Raises:
        ConfigErrors: with every mistake in `words` and recipes, before anything is called.
        UserError: at the end, with the mistakes of all combinations that failed.
    """
    ConfigStore.instance().store(name="schema", node=Config)
    flags, overrides = _split(words)
    if any(flag in _COMPLETION_FLAGS for flag in flags):
        for name in recipes.names():
            _store_recipe(name)
        overrides = []
    else:
        overrides = _checked(overrides, sweep=any(flag in _SWEEP_FLAGS for flag in flags))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach us, and are shown our way
    results: list[Result] = []
    failures: list[str] = []

    @hydra.main(version_base="1.3", config_path=str(shipped("configs").resolve()), config_name="config")
    def composed(config: DictConfig) -> float:
        value = math.nan
        try:
            for one in each(typed(config)):
                results.append(call(one))
                value = results[-1].value
        except UserError as error:
            failures.append(_failure(error))
            return math.nan
        return value

    if not processes.is_first():
        overrides.append(f"hydra.sweep.dir={tempfile.gettempdir()}")  # the first notes the sweep in outputs
    sys.argv = ["prune", *flags, *overrides]
    try:
        composed()
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(" ".join(str(error).split())) from error
    if failures:
        raise UserError("\n".join(failures))
    return results


def _failure(error: UserError) -> str:
    """The error's text, in a sweep with the words of the job that failed."""
    if HydraConfig.get().mode is RunMode.RUN:
        return str(error)
    return f"{' '.join(HydraConfig.get().overrides.task)}: {error}"


def typed(config: DictConfig) -> Config:
    """The composed config as dataclasses, checked.

    Raises:
        ConfigErrors: with every impossible value.
    """
    recipes.refuse_missing(config)
    result: Any = OmegaConf.to_object(config)
    assert isinstance(result, Config)
    check(result)
    return result


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags with their values, and the overrides."""
    flags, overrides = [], []
    rest = iter(words)
    for word in rest:
        if word in _FLAGS_WITH_VALUE:
            flags += [word, next(rest, "")]
        elif word.startswith("-"):
            flags.append(word)
        else:
            overrides.append(word)
    return flags, overrides


def _checked(words: list[str], sweep: bool) -> list[str]:
    """`words` with recipes read, checked and stored under the names that Hydra will find them by."""
    try:
        parsed = OverridesParser.create().parse_overrides(words)
    except HydraException as error:
        raise UserError(" ".join(str(error).split())) from error
    problems: list[str] = []
    result, assignments, num_values = [], [], 1
    for override in parsed:
        key, values = override.key_or_group, _values(override)
        num_values *= len(values)
        if key.startswith("hydra"):
            result.append(str(override.input_line))
        elif override.is_add() or override.is_delete():
            problems.append(f"{override.input_line}: write {key}=value; keys can be set, not added or deleted")
        elif key == "recipe":
            try:
                result.append("recipe=" + ",".join(_store_recipe(str(value)) for value in values))
            except UserError as error:
                problems += str(error).splitlines()
        else:
            assignments += [Assignment(key, value) for value in values]
            result.append(str(override.input_line))
    if sweep and num_values == 1 and not any(word.startswith("hydra") for word in words):
        problems.append(
            "-m: a sweep of one value is no sweep: give several, as in method.penalty=5,10,20, or leave out -m"
        )
    problems += problems_in(assignments)
    if problems:
        raise ConfigErrors(problems)
    return result


def _values(override: Override) -> list[Any]:
    if override.is_sweep_override():
        return list(override.sweep_iterator())
    return [override.value()]


def _store_recipe(name: str) -> str:
    """Reads a recipe into Hydra's store; returns its name there."""
    path = recipes.find(name)
    content = recipes.read(path)
    *folders, stem = Path(name).with_suffix("").parts if name in recipes.names() else ("file", _identifier(path))
    ConfigStore.instance().store(
        group="/".join(["recipe", *folders]), name=stem, node=OmegaConf.create(content), package="_global_"
    )
    return "/".join([*folders, stem])


def _identifier(path: Path) -> str:
    stem = "".join(c if c.isalnum() or c in "_-" else "_" for c in path.stem)
    return f"{stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:6]}"
