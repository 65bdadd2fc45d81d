"""A sweep from its command to what came of it."""

from __future__ import annotations

import importlib.metadata
import logging
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from prune.composition.command_line import LAUNCHER, MOST_RUNS, SWEEPER, Command, read, refuse_form
from prune.composition.compose import combinations, composing, hand_to_hydra
from prune.composition.overrides import parsed
from prune.config.schema import Config, SearchConfig
from prune.config.targets import given
from prune.errors import ConfigErrors, UserError
from prune.files.atomic import check_writable
from prune.pipeline.method import runs_of
from prune.results.layout import SweepFolder, run_folder
from prune.results.record import Record
from prune.results.unfinished import reason_of
from prune.runtime import distributed
from prune.runtime.sanitize import shown
from prune.runtime.screen import Screen
from prune.runtime.wording import counted
from prune.sweeps import devices, search
from prune.sweeps.jobs import Jobs, Note

_BASIC, _JOBLIB, _LOCAL, _SLURM = "basic", "joblib", "submitit_local", "submitit_slurm"
_OPTUNA = "optuna"
_SHARING = (_JOBLIB, _LOCAL)
"""Launchers whose runs share the GPUs of this machine."""
_PLUGINS = {
    _JOBLIB: ("hydra-joblib-launcher", "joblib"),
    _SLURM: ("hydra-submitit-launcher", "slurm"),
    _LOCAL: ("hydra-submitit-launcher", "slurm"),
    _OPTUNA: ("hydra-optuna-sweeper", "optuna"),
}
"""Choice of a launcher or sweeper -> the package that it needs, and our extra that brings it."""
_CORES_PER_RUN = 4


@dataclass
class Plan:
    """The runs that a sweep will carry out."""

    outputs: list[str]
    """Their folders of outputs; the sweep's own is in the first."""
    report: bool
    """Whether a page is asked for."""
    total: int
    labels: dict[str, str] = field(default_factory=dict)
    """Run folder -> what sets the run apart, in their order. A search does not know them beforehand."""
    sought: SearchConfig | None = None
    """What a search looks for."""
    words: list[str] = field(default_factory=list)
    """Further words for Hydra."""


@dataclass(frozen=True)
class Result:
    """What came of a sweep."""

    notes: list[Note]
    left: list[str]
    """Runs that were not reached."""
    sought: SearchConfig | None
    page_of: Path | None
    """The outputs folder that the sweep's page is asked for; None: no page is."""
    stopped_by: BaseException | None = None

    @property
    def finished(self) -> list[tuple[Note, Record]]:
        return [(note, note.record) for note in self.notes if note.reason is None]

    @property
    def failed(self) -> list[Note]:
        return [note for note in self.notes if note.reason is not None]


def sweep(words: list[str], call: Callable[[Config], Record]) -> Result:
    """Carries out a sweep, whatever fails in it; `call` carries out one run in this process.

    Raises:
        ConfigErrors: with every mistake in `words`, recipes and composed configs, before any run starts.
    """
    command = read(words, sweep_of_runs=True)
    _check_installed(command)
    settings = _settings(command) if command.of_hydra else None
    plan = _search(command, settings) if command.sweeper == _OPTUNA else _grid(command)
    apart = command.launcher != _BASIC
    numbers = {path: number for number, path in enumerate(plan.labels, start=1)}
    gpus = devices.gpus() if command.launcher in _SHARING else []
    at_once = _at_once(command, settings, plan.total, len(gpus))
    folder = distributed.broadcast_from_main(lambda: _new_folder(plan))
    jobs = Jobs(command, folder, numbers, plan.total, call, apart, gpus, at_once)
    own = [f"hydra.sweep.dir={folder.path}", *plan.words, *_words_of(at_once, command, settings)]
    if apart:
        Screen().say(f"{counted(plan.total, 'run')} by {command.launcher}; what each says is in {folder.path}/<n>.log")
    stopped_by: BaseException | None = None
    warnings.filterwarnings("ignore", "A worker stopped", UserWarning)  # joblib, of workers that it ends itself
    try:
        hand_to_hydra(command.flags, [*command.words, *own], jobs)
    except (UserError, KeyboardInterrupt) as error:
        stopped_by = error
    except Exception as error:
        stopped_by = _of_plugin(error, command)
    notes = [Note(**note) for note in distributed.broadcast_from_main(folder.notes)]
    page_of = Path(plan.outputs[0]) if plan.report else None
    return Result(notes, _left(plan, notes), plan.sought, page_of, stopped_by)


def _settings(command: Command) -> Any:
    """What the command says about the launcher and the sweeper, with what it leaves to their files."""
    with composing() as compose:
        return compose([*command.for_hydra, *command.fixed], return_hydra_config=True).hydra


def _new_folder(plan: Plan) -> SweepFolder:
    for outputs in plan.outputs:
        check_writable(outputs)
    return SweepFolder.new(plan.outputs[0])


def _of_plugin(error: Exception, command: Command) -> Exception:
    """Errors of a launcher or sweeper of another package become a user's; runs fail for themselves."""
    if (command.launcher, command.sweeper) == (_BASIC, _BASIC):
        return error
    return UserError(f"{shown(' '.join(command.for_hydra))}: {shown(reason_of(error), most=300)}")


def _grid(command: Command) -> Plan:
    """Every combination, and every target of each."""
    labels: dict[str, str] = {}
    outputs: dict[str, None] = {}
    report = False
    for combination in combinations(command):
        outputs[combination.config.outputs] = None
        report = report or combination.config.report
        label = " ".join(command.as_typed([word for word in combination.words if word not in command.fixed]))
        for one, _ in runs_of(combination.config):
            labels.setdefault(str(run_folder(one).path), label)
    return Plan(list(outputs), report, len(labels), labels)


def _search(command: Command, settings: Any) -> Plan:
    """As many runs as the sweeper has trials, over what the command names, or else what the sweeper's file does."""
    own = [str(override.input_line) for override in command.swept]
    searched = own or _params(settings)
    if not searched:
        raise UserError(f"{SWEEPER}={_OPTUNA}: name what to search, as in 'method.penalty=tag(log,interval(1,200))'")
    for override in parsed(searched):
        refuse_form(override)
    configs = [one.config for one in combinations(command, searched)]
    if any(len(several) > 1 for config in configs for several in given(config).values()):
        raise ConfigErrors([f"{SWEEPER}={_OPTUNA}: a run of a search has one target; name one value"])
    if any(len(runs_of(config)) > 1 for config in configs):
        raise ConfigErrors(
            [f"{SWEEPER}={_OPTUNA}: a run of a search has one result; say method.rounds=[6] for the last"]
        )
    trials = _whole("hydra.sweeper.n_trials", settings.sweeper.n_trials)
    _silence_optuna()
    sought = configs[0].search
    words = [f"hydra.sweeper.direction={search.directions(sought)}", *(["hydra.sweeper.params=null"] if own else [])]
    return Plan([configs[0].outputs], configs[0].report, trials, sought=sought, words=words)


def _params(settings: Any) -> list[str]:
    """What the sweeper's settings say is searched, as words."""
    params = settings.sweeper.params or {}
    if not OmegaConf.is_dict(params) and params != {}:
        raise UserError(f"hydra.sweeper.params={shown(params)}: must be keys and values; better name them as words")
    return [f"{key}={value}" for key, value in params.items()]


def _whole(key: str, value: Any) -> int:
    """`value`, which says how many.

    Raises:
        UserError: if it is no number of runs.
    """
    if not isinstance(value, int) or not 1 <= value <= MOST_RUNS:
        raise UserError(f"{key}={shown(value)}: must be a whole number from 1 to {MOST_RUNS:,}")
    return value


def _silence_optuna() -> None:
    """No word of its own about each trial; nor about SQLAlchemy, of which Optuna 2 uses what is old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import optuna
    optuna.logging.set_verbosity(logging.ERROR)


def _left(plan: Plan, notes: list[Note]) -> list[str]:
    if plan.sought is not None:
        return ["trials of the search"] * (plan.total - len(notes))
    done = {note.folder for note in notes}
    return [label for path, label in plan.labels.items() if str(Path(path).resolve()) not in done]


def _at_once(command: Command, settings: Any, total: int, num_gpus: int) -> int:
    """How many runs go at once on this machine."""
    trials = settings.sweeper.n_jobs if command.sweeper == _OPTUNA else None
    if trials is not None:
        _whole("hydra.sweeper.n_jobs", trials)
    if command.launcher == _LOCAL:
        return trials or 1 if command.sweeper == _OPTUNA else total
    if command.launcher != _JOBLIB:
        return 1
    if (n_jobs := settings.launcher.n_jobs) is not None:
        return min(total, _whole("hydra.launcher.n_jobs", n_jobs))
    return min(total, num_gpus or max(2, devices.cores() // _CORES_PER_RUN))


def _words_of(at_once: int, command: Command, settings: Any) -> list[str]:
    """Tells Hydra how many runs go at once, where the command does not."""
    words = [f"hydra.launcher.n_jobs={at_once}"] if command.launcher == _JOBLIB else []
    if command.sweeper == _OPTUNA and settings.sweeper.n_jobs is None:
        words.append(f"hydra.sweeper.n_jobs={at_once}")
    return words


def _check_installed(command: Command) -> None:
    """Raises UserError where a launcher or sweeper is named that is not here."""
    named = {LAUNCHER: command.launcher, SWEEPER: command.sweeper}
    for group, choice in ((group, choice) for group, choice in named.items() if choice in _PLUGINS):
        package, extra = _PLUGINS[choice]
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise UserError(
                f"{group}={choice}: needs {package}, which is not installed: pip install -e '.[{extra}]'"
            ) from None
    if command.launcher == _SLURM and shutil.which("sbatch") is None:
        raise UserError(
            f"{LAUNCHER}={_SLURM}: there is no Slurm on this machine (no sbatch); name joblib or submitit_local"
        )
