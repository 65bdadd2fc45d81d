"""The words of a command: flags, overrides and recipes, checked before anything is composed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import OmegaConf

from prune import recipes
from prune.assignments import Assignment, problems_in
from prune.errors import ConfigErrors, UserError

_FLAGS_WITH_VALUE = ("--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "-sc", "--shell-completion")
_SWEEP_FLAGS = ("-m", "--multirun")
_COMPLETION_FLAGS = ("-sc", "--shell-completion")
LAUNCHER, SWEEPER = "hydra/launcher", "hydra/sweeper"
_SEARCH = "search."
_FOLLOWS_FROM = {"hydra.sweep.dir": "outputs=", "hydra.sweeper.direction": "search.objective="}


@dataclass(frozen=True)
class Command:
    """Checked words, recipes under the names that Hydra finds them by."""

    flags: list[str]
    words: list[str]
    recipes: dict[str, str] = field(default_factory=dict)
    """Word with a recipe's name in Hydra's store -> the word as it was typed."""

    @property
    def sweeps(self) -> bool:
        """Whether it asks for several runs, by -m."""
        return any(flag in _SWEEP_FLAGS for flag in self.flags)

    @property
    def launcher(self) -> str:
        """How the runs of a sweep are started."""
        return self._choice(LAUNCHER)

    @property
    def sweeper(self) -> str:
        """What chooses the runs of a sweep."""
        return self._choice(SWEEPER)

    @property
    def fixed(self) -> list[str]:
        """What all runs of a sweep have in common, each word as Hydra writes it for a job."""
        return [word for override in self.overrides if not override.is_sweep_override() for word in values(override)]

    @property
    def swept(self) -> list[Override]:
        """What a sweep goes through."""
        return [override for override in self.overrides if override.is_sweep_override()]

    @property
    def overrides(self) -> list[Override]:
        """All words but those for Hydra itself; of a key that stands twice the last."""
        found = {override.get_key_element(): override for override in parsed(self.words) if not _is_hydras(override)}
        return list(found.values())

    @property
    def for_hydra(self) -> list[str]:
        """The words for Hydra itself."""
        return [str(override.input_line) for override in parsed(self.words) if _is_hydras(override)]

    def named(self, key: str) -> bool:
        """Whether `key` is among the words."""
        return any(override.key_or_group == key for override in parsed(self.words))

    def as_typed(self, words: list[str]) -> list[str]:
        """Words of a job of Hydra's as a user types them, to carry out this one run."""
        return [self.recipes.get(word, word) for word in words if not word.startswith(_SEARCH)]

    def _choice(self, group: str) -> str:
        chosen = [str(o.value()) for o in parsed(self.words) if o.key_or_group == group]
        return chosen[-1] if chosen else "basic"


def parsed(words: list[str]) -> list[Override]:
    """`words` as Hydra understands them.

    Raises:
        UserError: at words that it cannot read.
    """
    try:
        found: list[Override] = OverridesParser.create().parse_overrides(words)
    except HydraException as error:
        raise UserError(" ".join(str(error).split())) from error
    return found


def values(override: Override) -> list[str]:
    """A word per value; for an interval one per end."""
    key, value = override.get_key_element(), override.value()
    if isinstance(value, IntervalSweep):
        return [f"{key}={value.start}", f"{key}={value.end}"]
    if override.is_sweep_override():
        return [f"{key}={one}" for one in override.sweep_string_iterator()]
    return [f"{key}={override.get_value_element_as_str()}"]


def read(words: list[str], sweep_of_runs: bool = False) -> Command:
    """`words` as a command; `sweep_of_runs`: whether `-m` may start runs elsewhere, or search.

    Raises:
        ConfigErrors: with every mistake in `words` and recipes.
    """
    flags, overrides = _split(words)
    if any(flag in _COMPLETION_FLAGS for flag in flags):
        for name in recipes.names():
            _store_recipe(name)
        return Command(flags, [])
    command, problems = _checked(flags, overrides)
    problems += _problems_of_sweep(command, sweep_of_runs and command.sweeps)
    if problems:
        raise ConfigErrors(problems)
    return command


def _checked(flags: list[str], words: list[str]) -> tuple[Command, list[str]]:
    problems: list[str] = []
    command, assignments = Command(flags, []), []
    for override in parsed(words):
        key = override.key_or_group
        if _is_hydras(override):
            command.words.append(str(override.input_line))
        elif override.is_add() or override.is_delete():
            problems.append(f"{override.input_line}: write {key}=value; keys can be set, not added or deleted")
        elif key == "recipe":
            try:
                typed = {f"recipe={_store_recipe(str(name))}": f"recipe={name}" for name in _values(override)}
            except UserError as error:
                problems += str(error).splitlines()
            else:
                command.recipes.update(typed)
                command.words.append("recipe=" + ",".join(word.removeprefix("recipe=") for word in typed))
        else:
            assignments += [Assignment(key, value) for value in _values(override)]
            command.words.append(str(override.input_line))
    return command, [*problems, *problems_in(assignments)]


def _problems_of_sweep(command: Command, allowed: bool) -> Iterator[str]:
    given = [override for override in parsed(command.words) if _is_hydras(override)]
    for override in given:
        if override.key_or_group in (LAUNCHER, SWEEPER) and not allowed:
            yield f"{override.input_line}: for a sweep of runs only: prune -m {override.input_line} ..."
        if option := _FOLLOWS_FROM.get(override.key_or_group):
            yield f"{override.input_line}: follows from {option}, which is to be set instead"
    if command.sweeper == "basic":
        for override in command.overrides:
            if override.key_or_group.startswith(_SEARCH):
                yield f"{override.input_line}: read by a search only: prune -m {SWEEPER}=optuna ..."
            if isinstance(override.value(), IntervalSweep):
                yield f"{override.input_line}: an interval is for a search: prune -m {SWEEPER}=optuna ..."
        if command.sweeps and not given and all(len(_values(override)) == 1 for override in command.overrides):
            yield "-m: a sweep of one value is no sweep: give several, as in method.penalty=5,10,20, or leave out -m"


def _is_hydras(override: Override) -> bool:
    return bool(override.key_or_group.startswith("hydra"))


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


def _values(override: Override) -> list[Any]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [value.start, value.end]
    if override.is_sweep_override():
        return list(override.sweep_iterator())
    return [value]


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
