"""The words of a command: flags, overrides and recipes, checked before anything is composed."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override, OverrideType, ValueType
from omegaconf import OmegaConf

from prune.composition.flags import Flags, split
from prune.composition.overrides import number_of_values, parsed, plain_values, refuse_unreadable, values
from prune.config.keys import GROUPS, Assignment, choices, is_name, problems_in
from prune.errors import ConfigErrors, UserError
from prune.recipes import library
from prune.runtime.sanitize import shown

MOST_RUNS = 1_000
"""Of a sweep. All are composed and checked before the first starts, which takes a while."""
LAUNCHER, SWEEPER = "hydra/launcher", "hydra/sweeper"
_SEARCH = "search."
_HYDRAS_GROUPS, _HYDRAS_KEYS = (LAUNCHER, SWEEPER, f"{SWEEPER}/sampler"), ("hydra.launcher.", "hydra.sweeper.")
_FOLLOWS_FROM = {"hydra.sweep.dir": "outputs=", "hydra.sweeper.direction": "search.objective="}


@dataclass(frozen=True)
class Command:
    """Checked words, recipes under the names that Hydra finds them by."""

    flags: Flags
    words: list[str]
    recipes: dict[str, str] = field(default_factory=dict)
    """Word with a recipe's name in Hydra's store -> the word as it was typed."""

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
    def of_hydra(self) -> list[Override]:
        """The words for Hydra itself."""
        return [override for override in parsed(self.words) if _is_hydras(override)]

    @property
    def for_hydra(self) -> list[str]:
        """The same as they were typed."""
        return [str(override.input_line) for override in self.of_hydra]

    def as_typed(self, words: list[str]) -> list[str]:
        """Words of a job of Hydra's as a user types them, to carry out this one run."""
        return [self.recipes.get(word, word) for word in words if not word.startswith(_SEARCH)]

    def _choice(self, group: str) -> str:
        chosen = [str(o.value()) for o in parsed(self.words) if o.key_or_group == group]
        return chosen[-1] if chosen else "basic"


def read(words: list[str], sweep_of_runs: bool = False) -> Command:
    """`words` as a command; `sweep_of_runs`: whether `-m` may start runs elsewhere, or search.

    Raises:
        ConfigErrors: with every mistake in `words` and recipes.
    """
    refuse_unreadable(words)
    flags, overrides = split(words)
    if flags.complete:
        flags.refuse_no_shell()
        for name in library.names() if flags.complete_recipe else ():
            _store_recipe(name)
        return Command(flags, [])
    command, problems, assignments = Command(flags, []), [], []
    for word in overrides:
        try:
            assignments += _taken(command, word)
        except UserError as error:
            problems += str(error).splitlines()
    of_sweep = [] if problems else _problems_of_sweep(command, sweep_of_runs and flags.sweep)
    refused = ConfigErrors(chain(problems, problems_in(assignments), of_sweep))
    if refused.problems:
        raise refused
    return command


def _taken(command: Command, word: str) -> list[Assignment]:
    """Enters a word into `command`; returns what it assigns."""
    (override,) = parsed([word])
    refuse_form(override)
    if override.key_or_group == "recipe":
        typed = {f"recipe={_store_recipe(str(name))}": f"recipe={name}" for name in plain_values(override)}
        command.recipes.update(typed)
        command.words.append("recipe=" + ",".join(stored.removeprefix("recipe=") for stored in typed))
        return []
    command.words.append(word)
    if _is_hydras(override):
        return []
    return [Assignment(override.key_or_group, value) for value in plain_values(override)]


def refuse_form(override: Override) -> None:
    """Raises UserError for what no word may be, whatever its key."""
    key, word = override.key_or_group, shown(override.input_line)
    adds = override.is_add() and key.startswith(_HYDRAS_KEYS)  # a launcher takes what its file does not list
    if override.package is not None or not (adds or override.type is OverrideType.CHANGE):
        raise UserError(f"{word}: write {shown(key)}=value; keys can be set, not added, deleted or moved")
    if override.value_type is ValueType.GLOB_CHOICE_SWEEP:
        raise UserError(f"{word}: name the values, as in {key}={','.join(choices(key)) if key in GROUPS else 'a,b'}")
    if (number := number_of_values(override)) > MOST_RUNS:
        raise UserError(f"{word}: these are {shown(f'{number:,}')} values, and a sweep may have {MOST_RUNS:,} runs")
    if number == 0:
        raise UserError(f"{word}: there is no value in it")


def _problems_of_sweep(command: Command, allowed: bool) -> Iterator[str]:
    for override in command.of_hydra:
        yield from _problems_of_hydra(override, allowed)
    if command.sweeper == "basic":
        for override in command.overrides:
            if override.key_or_group.startswith(_SEARCH):
                yield f"{shown(override.input_line)}: read by a search only: prune -m {SWEEPER}=optuna ..."
            if override.is_interval_sweep():
                yield f"{shown(override.input_line)}: an interval is for a search: prune -m {SWEEPER}=optuna ..."
        yield from _problems_of_number(command)


def _problems_of_number(command: Command) -> Iterator[str]:
    """Several values without -m, one value with it, or too many."""
    numbers = [number_of_values(override) for override in command.overrides]
    if not command.flags.sweep:
        for override in command.swept:
            if override.is_discrete_sweep():
                word = shown(override.input_line)
                yield f"{word}: several values are a sweep: prune -m {word} ..."
    elif (runs := math.prod(numbers)) > MOST_RUNS:
        product = " x ".join(f"{number:,}" for number in numbers if number > 1)
        yield f"-m: {product} = {shown(f'{runs:,}')} runs, and a sweep may have {MOST_RUNS:,}; make several of it"
    elif runs == 1 and not command.of_hydra:
        yield "-m: a sweep of one value is no sweep: give several, as in method.penalty=5,10,20, or leave out -m"


def _problems_of_hydra(override: Override, allowed: bool) -> Iterator[str]:
    key, word = override.key_or_group, shown(override.input_line)
    if option := _FOLLOWS_FROM.get(key):
        yield f"{word}: follows from {option}, which is to be set instead"
    elif key not in _HYDRAS_GROUPS and not key.startswith(_HYDRAS_KEYS):
        settings = ", ".join([*_HYDRAS_GROUPS, *(f"{start}<setting>" for start in _HYDRAS_KEYS)])
        yield f"{word}: nothing that can be set. Of Hydra's there are {settings}"
    elif not allowed:
        yield f"{word}: for a sweep of runs only: prune -m {word} ..."
    elif override.is_sweep_override() or (key in _HYDRAS_GROUPS and not _is_choice(override.value())):
        yield f"{word}: name one"
    elif "_target_" in key:
        yield f"{word}: follows from {LAUNCHER}= and {SWEEPER}=, which are to be set instead"


def _is_choice(value: object) -> bool:
    return isinstance(value, str) and is_name(value)


def _is_hydras(override: Override) -> bool:
    return re.match(r"hydra\b", override.key_or_group) is not None


def _store_recipe(name: str) -> str:
    """Reads a recipe into Hydra's store; returns its name there."""
    path = library.find(name)
    content = library.read(path)
    *folders, stem = Path(name).with_suffix("").parts if name in library.names() else ("file", _identifier(path))
    ConfigStore.instance().store(
        group="/".join(["recipe", *folders]), name=stem, node=OmegaConf.create(content), package="_global_"
    )
    return "/".join([*folders, stem])


def _identifier(path: Path) -> str:
    stem = "".join(c if c.isalnum() or c in "_-" else "_" for c in path.stem)
    return f"{stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:6]}"
