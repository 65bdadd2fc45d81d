"""From a command to typed configs: composed by Hydra; of a sweep all combinations are checked before any is called."""

from __future__ import annotations

import math
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeVar, get_origin

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune.composition.command_line import Command, read
from prune.composition.flags import Flags
from prune.composition.overrides import parsed, values
from prune.config import probes
from prune.config.keys import kinds
from prune.config.schema import Config
from prune.errors import ConfigErrors, UserError
from prune.files.atomic import check_writable
from prune.files.paths import shipped
from prune.pipeline.method import drop_settings_of_replaced_method, runs_of
from prune.recipes import library
from prune.runtime.resources import exhausted
from prune.runtime.sanitize import shown
from prune.validation import check

Result = TypeVar("Result")
_FOLDER, _NAME, _VERSION = str(shipped("configs").resolve()), "config", "1.3"


@dataclass(frozen=True)
class Combination:
    """One job of a sweep."""

    words: list[str]
    config: Config


def compose_and_call(
    words: list[str], call: Callable[[Config], Result], check: Callable[[Config], None] = check
) -> list[Result]:
    """Composes a config from `words` and calls `call` with it: once, or once per combination and target of a sweep.

    A combination or target that fails by a user's mistake does not stop the others. `check` raises a ConfigErrors with
    what cannot be.

    Raises:
        ConfigErrors: with every mistake in `words`, recipes and composed configs, before anything is called.
        UserError: at the end, with the mistakes of all that failed.
    """
    command = read(words)
    if command.flags.sweep:
        for outputs in {combination.config.outputs for combination in combinations(command, check=check)}:
            check_writable(outputs)  # where Hydra leaves its settings
    results: list[Result] = []
    failures: list[str] = []
    refused: list[str] = []

    def composed(config: DictConfig) -> float:
        try:
            of_job = HydraConfig.get().overrides.task if command.flags.given else command.words
            runs = [run for run, _ in runs_of(typed(config, of_job, check))]
        except ConfigErrors as error:  # of which Hydra would say something of its own before us
            refused.extend(error.problems)
            return math.nan
        for one in runs:
            try:
                results.append(call(one))
            except UserError as error:
                failures.append(_failure(error, command.flags.sweep))
            except Exception as error:
                if (explained := exhausted(error)) is None:
                    raise
                failures.append(_failure(explained, command.flags.sweep))
        return math.nan

    if command.flags.given:
        hand_to_hydra(command.flags, command.words, composed)
    else:
        composed(_composed_once(command.words))
    if refused:
        raise ConfigErrors(refused)
    if failures:
        raise UserError("\n".join(failures))
    return results


def _composed_once(words: list[str]) -> DictConfig:
    """The config of one run. Hydra's main function would compose it twice, the first time to learn that it is one."""
    with composing() as compose:
        return compose(words)


def _failure(error: UserError, of_sweep: bool) -> str:
    """The error's text, in a sweep with the words of the job that failed."""
    if not of_sweep:
        return str(error)
    return f"{' '.join(HydraConfig.get().overrides.task)}: {error}"


def hand_to_hydra(flags: Flags, words: Sequence[str], task: Callable[[DictConfig], Any]) -> None:
    """Hydra's main function: shows something, or calls `task` with one composed config, or as its sweeper says.

    Raises:
        UserError: with what Hydra refuses.
    """
    _fill_store()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach us, and are shown our way
    sys.argv = ["prune", *flags.words, *words]
    try:
        hydra.main(config_path=_FOLDER, config_name=_NAME, version_base=_VERSION)(task)()
    except (HydraException, OmegaConfBaseException) as error:
        raise _refused(error) from error


def _refused(error: Exception) -> UserError:
    """What Hydra or OmegaConf has to say, on a line."""
    if unknown := re.match(r"Could not override '(\S+)'", str(error)):
        return UserError(f"{unknown[1]}: there is no such setting, or none of this form")
    return UserError(shown(" ".join(str(error).split()), most=500))


def combinations(
    command: Command, searched: Sequence[str] | None = None, check: Callable[[Config], None] = check
) -> list[Combination]:
    """The jobs of a sweep, composed and checked; for a search over the words `searched` such as show each value once.

    Raises:
        ConfigErrors: with the mistakes of all combinations.
    """
    fixed = command.fixed
    if searched is None:
        chosen = [list(words) for words in product(*map(values, command.swept))]
    else:
        chosen = _each_value_once([values(override) for override in Command(Flags({}), list(searched)).overrides])
    found: list[Combination] = []
    problems: dict[str, list[str]] = defaultdict(list)
    with composing() as compose:
        for words in chosen:
            try:
                of_job = [*fixed, *words]
                config = typed(compose([*command.for_hydra, *of_job]), of_job, check)
                found.append(Combination(of_job, config))
            except ConfigErrors as error:
                for problem in error.problems:
                    problems[problem].append(" ".join(words))
    if problems:
        raise ConfigErrors([_with_words(problem, where, len(chosen)) for problem, where in problems.items()])
    return found


def _each_value_once(words: list[list[str]]) -> list[list[str]]:
    """As few combinations as show every value: the n-th has the n-th of each, or the last."""
    return [[some[min(n, len(some) - 1)] for some in words] for n in range(max(map(len, words), default=0))]


def _with_words(problem: str, where: list[str], everywhere: int) -> str:
    if len(where) == everywhere:
        return problem
    more = f" (and in {len(where) - 1} more)" if len(where) > 1 else ""
    return f"{where[0]}{more}: {problem}"


@contextmanager
def composing() -> Iterator[Callable[..., DictConfig]]:
    """Yields a function that composes a config from a job's words.

    Raises:
        UserError: with what Hydra refuses.
    """
    _fill_store()
    try:
        with hydra.initialize_config_dir(_FOLDER, version_base=_VERSION):
            yield partial(hydra.compose, _NAME)
    except (HydraException, OmegaConfBaseException) as error:
        raise _refused(error) from error


def _fill_store() -> None:
    """Our schema; and our files for launchers and sweepers stand in for those of Hydra's plugins of the same name."""
    Plugins.instance()  # which store theirs
    store = ConfigStore.instance()
    store.store(name="schema", node=schema_node())
    for file in Path(_FOLDER).glob("hydra/*/*.yaml"):
        store.repo["hydra"].get(file.parent.name, {}).pop(file.name, None)


def schema_node() -> DictConfig:
    """The schema, whose mappings take any key, as they have no keys of their own."""
    schema: DictConfig = OmegaConf.structured(Config)
    for key, kind in kinds().items():
        if get_origin(kind) is dict:
            OmegaConf.set_struct(OmegaConf.select(schema, key), False)
    return schema


def typed(config: DictConfig, words: Sequence[str] = (), check: Callable[[Config], None] = check) -> Config:
    """The config that `words` compose, as dataclasses, checked by `check`.

    Raises:
        ConfigErrors: with every impossible value.
    """
    try:
        library.refuse_missing(config)
        result: Any = OmegaConf.to_object(config)
    except OmegaConfBaseException as error:  # a reference to what is not there, or to another type
        raise ConfigErrors([f"{error.full_key}: {shown(str(error).splitlines()[0], most=200)}"]) from error
    assert isinstance(result, Config)
    try:
        result.task.probes = probes.in_full(result.task)
    except UserError as error:
        raise ConfigErrors([str(error)]) from error
    drop_settings_of_replaced_method(result, {override.key_or_group for override in parsed(words)})
    check(result)
    return result
