"""A stage of a run as data: which settings it reads, whose outputs it takes, what it does, and what it reports.

Its folder, its reuse by other runs, its resumption, and its part of `prune plan` follow from that. Imports nothing
heavy: what a stage does is imported when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from prune.config.identity import PRUNING_OF_TASK, differences, digest
from prune.config.schema import Config
from prune.results.layout import StageFolder, run_folder

_ALWAYS_NAMED = ("model", "task", "distillation", "teacher", "seed")
"""What an identity names at its default, too, as the first ones did: folders keep their names."""


@dataclass(frozen=True)
class Report:
    """What a stage leaves in stage.json; those of single stages say more."""

    seconds: float
    peak_memory_bytes: int
    data: Mapping[str, str]
    """Split -> fingerprint of its examples and of the vocabulary."""
    training: Mapping[str, float] | None = field(default=None, kw_only=True)
    """What its training has taken: `steps`, `epochs`, `flops` (floating-point operations), `seconds`; empty if it
    trains nothing; None if an older version left it, which did not tell."""


@dataclass(frozen=True)
class Work:
    """How long a stage takes, in training steps of the unpruned model."""

    steps: float
    taught_steps: int = 0
    """Steps of the student that need what the teacher gives; they are part of `steps`."""


@dataclass(frozen=True)
class Stage:
    """One step of a run, which leaves a folder."""

    name: str
    """In messages, in records and in the identity of later stages."""
    directory: str
    """Where its folder lies: in the run's folder, or in the outputs folder where it is shared."""
    run: Callable[..., Mapping[str, Any]]
    """(experiment, its folder, the folders of its inputs) -> fields of its report, on the main process."""
    inputs: tuple[Stage, ...] = ()
    reads: tuple[str, ...] = ()
    """Of a shared stage: fields and groups of the config that its output depends on, beside those of its inputs."""
    report: type[Report] = Report
    work: Callable[[Any, float], Work] = lambda _experiment, _share: Work(0.0)
    """(experiment, share of the unpruned model's cost that the result has) -> how long it takes."""
    shared: bool = False
    """Whether all runs whose stage reads the same share its output."""
    survives_force: bool = False
    """Whether `force=true` leaves its output as it is."""
    transient: bool = False
    """Whether its folder is removed once the run is finished."""

    def identity(self, config: Config) -> dict[str, Any]:
        """All settings that its output depends on. Those at their default are left out, so that a new one changes
        nothing."""
        named, chosen = differences(config), dict[str, Any]()
        for key in self.reads:
            _copy(named, chosen, key)
        for key in (key for key in _ALWAYS_NAMED if key in self.reads):
            value = getattr(config, key)
            chosen.setdefault(key, None if is_dataclass(value) else value)
        weights = {key: value for key, value in named.get("task", {}).items() if key in PRUNING_OF_TASK}
        if self.inputs and weights:
            chosen["weights"] = weights
        return chosen | {stage.name: stage.identity(config) for stage in self.inputs}

    def folder(self, config: Config) -> StageFolder:
        """Where its output lies."""
        if not self.shared:
            return run_folder(config).stage(self.directory)
        name = f"{config.task.name}-{config.model.name}-{digest(self.identity(config))}"
        return StageFolder(Path(config.outputs) / self.directory / name)

    def read(self, folder: StageFolder) -> Report | None:
        """What it reported when it finished; None while it has not.

        Raises:
            Damaged: if the report or the model is not as it was left.
        """
        content = folder.read_report()
        return None if content is None else _as_report(self.report, content)

    def chain(self) -> list[Stage]:
        """All stages that lead to it, in the order in which they run, itself last."""
        stages = [stage for given in self.inputs for stage in given.chain()]
        return [*dict.fromkeys(stages), self]


_Report = TypeVar("_Report", bound=Report)


def _as_report(kind: type[_Report], content: Mapping[str, Any]) -> _Report:
    known = {item.name for item in fields(kind)}
    return kind(**{key: value for key, value in content.items() if key in known})


def _copy(named: Mapping[str, Any], chosen: dict[str, Any], key: str) -> None:
    """Enters what `named` says of a dotted key into `chosen`."""
    group, _, rest = key.partition(".")
    if rest:
        _copy(named.get(group, {}), chosen.setdefault(group, {}), rest)
    elif group in named:
        chosen[group] = named[group]


def all_fields(group: str, schema: type, but: Callable[[str], bool]) -> tuple[str, ...]:
    """Dotted keys of the fields of a group, without those that `but` names."""
    return tuple(f"{group}.{item.name}" for item in fields(schema) if not but(item.name))
