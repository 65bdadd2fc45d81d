"""The candidate that is carried out: each is tried with a short fill, and the one with the least loss is the best."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from prune.config.candidates import candidates_of, in_words
from prune.config.identity import fields_of
from prune.config.metadata import Role
from prune.config.schema import Config
from prune.errors import UserError
from prune.files.checksums import Damaged
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.method import method_of
from prune.pipeline.shared_stages import DENSE
from prune.pipeline.stage import Report, Stage
from prune.pipeline.stages import run_stage
from prune.results.layout import StageFolder, run_folder
from prune.runtime import distributed
from prune.runtime.screen import Screen

_FEWER = 4
"""So many times as few examples tell a candidate's importance and are refitted on."""
_EXAMPLES = 2048
"""At most so many training examples tell the loss of a candidate."""


@dataclass(frozen=True)
class CandidateReport(Report):
    """What is said of a candidate."""

    loss: float = 0.0
    """Of its model: the mean of what training minimises."""


def choose(config: Config, screen: Screen) -> Config:
    """The config of the best of the candidates; trials that are finished are not repeated.

    A candidate that cannot be is left out, with the reason.

    Raises:
        UserError: if none of them can be.
    """
    candidates, words = candidates_of(config), [in_words(settings) for settings in config.method.candidates]
    trials = [_trial(candidate, config.method.candidate_fill) for candidate in candidates]
    losses = [None if config.force else _finished_loss(trial) for trial in trials]
    if None in losses:
        losses = _try_all(trials, words, screen)
    if not (tried := {number: loss for number, loss in enumerate(losses) if loss is not None}):
        raise UserError("method.candidates: none of them can be, for the reasons above")
    best = min(tried, key=lambda number: tried[number])
    for number, loss in tried.items():
        screen.say(f"          loss {loss:.4f} with {words[number]}{': chosen' if number == best else ''}")
    return candidates[best]


def _trial(candidate: Config, share: float) -> Config:
    """The config of a candidate's trial, with that share of its fill."""
    schedule, method = candidate.schedule, candidate.method
    fewer = {name: max(1, getattr(method, name) // _FEWER) for name in ("importance_examples", "refit_tokens")}
    return replace(
        candidate,
        method=replace(method, **fewer),
        schedule=replace(schedule, fill_epochs=share * schedule.fill_epochs),
        tracking=[],
    )


def _try_all(trials: list[Config], words: list[str], screen: Screen) -> list[float | None]:
    """The loss of each; None for what cannot be. `words` tell what they are."""
    experiment = prepare(trials[0], run_folder(trials[0]), screen)
    run_stage(DENSE, experiment)
    losses: list[float | None] = []
    for number, (trial, said) in enumerate(zip(trials, words, strict=True), 1):
        screen.stage("prune", f"candidate {number} of {len(trials)}: {said}")
        try:
            own = experiment.with_config(trial)
            run_stage(_CANDIDATE, own.with_budget() if own.needs_budget else own)
        except UserError as error:
            screen.warn(f"candidate {number} is left out: {error}")
        losses.append(_finished_loss(trial))
    return losses


def _finished_loss(trial: Config) -> float | None:
    def read() -> Report | None:
        with suppress(Damaged):
            return _CANDIDATE.read(_CANDIDATE.folder(trial))
        return None

    report = distributed.broadcast_from_main(read)
    return report.loss if isinstance(report, CandidateReport) else None


def _run(experiment: Experiment, folder: StageFolder, dense: StageFolder) -> Mapping[str, Any]:
    """The stages of a run, in folders of the trial, of which nothing is left in the end."""

    def folder_of(stage: Stage) -> StageFolder:
        return dense if stage == DENSE else StageFolder(folder.path / stage.directory)

    result = method_of(experiment.config).result(experiment.config)
    for stage in result.chain():
        run_stage(stage, experiment, folder_of)
    model = experiment.networks.pruned(folder_of(result).model)
    loss = distributed.broadcast_from_main(lambda: experiment.learning.loss(model, dense, _EXAMPLES))
    distributed.broadcast_from_main(lambda: shutil.rmtree(folder.path))
    return {"loss": loss}


_CANDIDATE = Stage(
    "candidate", "candidates", run=_run, inputs=(DENSE,), reads=fields_of(Role.setting, Role.replicate),
    report=CandidateReport, shared=True,
)  # fmt: skip
