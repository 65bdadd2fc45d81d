"""How stages are carried out: one whose output is there is not repeated, and one run at a time works in a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

from filelock import FileLock, Timeout
from transformers import PreTrainedModel

from prune.config.schema import Config
from prune.errors import UserError
from prune.files.checksums import Damaged
from prune.pipeline.experiment import Experiment
from prune.pipeline.stage import Report, Stage
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.runtime.memory import forget_peak, give_back_memory, peak_memory_bytes
from prune.runtime.resources import writing
from prune.runtime.screen import WAITING, Screen


def run_stage(stage: Stage, experiment: Experiment, folder_of: Callable[[Stage], StageFolder] | None = None) -> None:
    """Leaves the output of `stage`, whose inputs are there, in its folder, unless it is there already.

    `folder_of`: where the output of a stage lies; None: where the config has it.

    Raises:
        UserError: if the output was made from other data than the run has, or if disk or memory are exhausted.
    """
    folder_of = folder_of or (lambda one: one.folder(experiment.config))
    folder = folder_of(stage)
    with locked(folder, experiment.screen):
        if distributed.broadcast_from_main(lambda: _is_there(stage, folder, experiment)):
            experiment.screen.stage(stage.name, f"already done: {folder.path}")
            return
        give_back_memory()
        forget_peak()
        start = time.monotonic()
        with writing(folder.path):
            values = stage.run(experiment, folder, *map(folder_of, stage.inputs))
            distributed.broadcast_from_main(lambda: _finish(stage, folder, experiment, start, values))


def stages_to_run(result: Stage, config: Config) -> list[Stage]:
    """The stages that lead to `result`, in order, without transient ones that only finished stages take."""
    stages: list[Stage] = []
    for stage in reversed(result.chain()):
        takers = [later for later in stages if stage in later.inputs]
        if not stage.transient or any(not _is_finished(taker, config) for taker in takers):
            stages.append(stage)
    return stages[::-1]


def _is_finished(stage: Stage, config: Config) -> bool:
    try:
        return stage.read(stage.folder(config)) is not None
    except Damaged:
        return False


def reports(stage: Stage, experiment: Experiment) -> dict[str, Report]:
    """What `stage` and all before it reported, by their names."""
    found = {one.name: one.read(one.folder(experiment.config)) for one in stage.chain()}
    return {name: report for name, report in found.items() if report is not None}


def _finish(stage: Stage, folder: StageFolder, experiment: Experiment, start: float, values: Mapping[str, Any]) -> None:
    seconds, data = time.monotonic() - start, experiment.examples.fingerprints
    training = experiment.learning.spent.pop(folder.path, {})
    folder.finish(asdict(stage.report(seconds, peak_memory_bytes(), data, training=training, **values)))


def _is_there(stage: Stage, folder: StageFolder, experiment: Experiment) -> bool:
    """Whether the stage's output is there, and as it was left; makes room for it otherwise."""
    if experiment.config.force and not stage.survives_force:
        folder.remove()
    try:
        report = stage.read(folder)
    except Damaged as error:
        experiment.screen.warn(f"{error}: the stage of {folder.path} is carried out again")
        folder.remove()
        report = None
    if report is not None and report.data != experiment.examples.fingerprints:
        raise UserError(
            f"{folder.path} was made from other data than are at task.path now: remove that folder, or name "
            "another one with outputs="
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    return report is not None


def saving(model: PreTrainedModel, folder: StageFolder) -> AbstractContextManager[None]:
    """Says what the weights of `model` take, where there is no room for them."""
    return writing(folder.model, sum(p.numel() * p.element_size() for p in model.parameters()))


@contextmanager
def locked(folder: StageFolder, screen: Screen) -> Iterator[None]:
    """Holds the folder's lock; says so when it has to wait for another run. Of several processes the main one does."""
    if not distributed.is_main_process():
        yield
        return
    folder.lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        screen.say(f"          {WAITING}, which works on {folder.path}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
