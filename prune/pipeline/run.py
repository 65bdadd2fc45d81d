"""A run, in the order of a method section: prepare, the stages of its method, evaluate, record.

Each stage first looks whether its output is there, so the same command goes on where an interrupted run stopped.
"""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import asdict

from prune.config import probes
from prune.config.schema import Config
from prune.files.atomic import check_writable, write_at_once
from prune.pipeline.assessment import assess, with_probes
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.method import method_of
from prune.pipeline.stage import Stage
from prune.pipeline.stages import locked, run_stage, stages_to_run
from prune.recipes.reproduction import recipe_of
from prune.results.layout import ORIGIN, RunFolder, StageFolder, run_folder
from prune.results.origin import origin_of
from prune.results.record import Record, finished
from prune.runtime import distributed
from prune.runtime.screen import Screen


def run(config: Config, screen: Screen) -> Record:
    """Carries `config` out, or what is left of it, and returns its record."""
    folder = run_folder(config)
    record = None if config.force else distributed.broadcast_from_main(lambda: finished(folder.record, screen.warn))
    if record is not None and (lacking := _lacking_probes(config, record)):
        return _with_probes(config, record, lacking, screen)
    if record is not None:
        screen.say(f"This run is finished: {folder.path}. Its result is shown; force=true runs it again.")
        return record
    distributed.broadcast_from_main(lambda: check_writable(config.outputs))
    with locked(StageFolder(folder.path), screen):
        if config.force:
            distributed.broadcast_from_main(lambda: shutil.rmtree(folder.path, ignore_errors=True))
        experiment = prepare(config, folder, screen)
        if experiment.needs_budget:
            experiment = experiment.with_budget()
        result = method_of(config).result(config)
        with closing(experiment.learning.tracking):
            for stage in stages_to_run(result, config):
                run_stage(stage, experiment)
        return distributed.broadcast_from_main(lambda: _evaluate(experiment, result))


def _lacking_probes(config: Config, record: Record) -> list[str]:
    return [probe.name for probe in probes.of_task(config.task) if probe.name not in record.probes]


def _with_probes(config: Config, record: Record, lacking: list[str], screen: Screen) -> Record:
    """Scores a finished run on probes, and enters them in its record."""
    folder = run_folder(config)
    screen.say(f"This run is finished: {folder.path}. It is scored on {', '.join(lacking)} as well.")
    with locked(StageFolder(folder.path), screen):
        experiment = prepare(config, folder, screen)

        def score() -> Record:
            found = with_probes(experiment, record)
            _write(found, folder)
            return found

        return distributed.broadcast_from_main(score)


def _evaluate(experiment: Experiment, result: Stage) -> Record:
    """Quality, size and speed of the result against dense; writes model/, recipe.yaml and, last, record.json."""
    folder, config = experiment.folder, experiment.config
    experiment.screen.stage("evaluate", "quality, size and speed against the dense model")
    shutil.rmtree(folder.model, ignore_errors=True)
    shutil.copytree(result.folder(config).model, folder.model)
    record = assess(experiment, result, folder)
    keep(config, record, folder)
    for stage in result.chain():
        if stage.transient:
            stage.folder(config).remove()
            stage.folder(config).lock.unlink(missing_ok=True)
    return record


def keep(config: Config, record: Record, folder: RunFolder) -> None:
    """Writes what a run gave, and how to repeat it; the record last."""
    write_at_once(folder.recipe, recipe_of(config, record))
    _write(record, folder)


def _write(record: Record, folder: RunFolder) -> None:
    write_at_once(folder.model / ORIGIN, json.dumps(origin_of(record), indent=1) + "\n")
    write_at_once(folder.record, json.dumps(asdict(record), indent=1) + "\n")
