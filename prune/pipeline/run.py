"""The experiment, told as a method section would: prepare, dense, prune, compact, fill, evaluate, record.

Each stage first looks whether its output is there, so the same command goes on where an interrupted run stopped.
"""

from __future__ import annotations

import copy
import json
import shutil
from contextlib import closing
from dataclasses import asdict
from typing import Any

from transformers import PreTrainedModel, set_seed

from prune.compaction import saved_model
from prune.compaction.compact import compact, prove_equal
from prune.compaction.structure import Structure
from prune.config.schema import Config, Finish
from prune.errors import UserError
from prune.files.atomic import check_writable, write_at_once
from prune.measure import size
from prune.methods import Pruned
from prune.models.units import all_units
from prune.pipeline.context import Experiment, prepare
from prune.pipeline.evaluation import assess
from prune.pipeline.stages import Stopwatch, locked, saving, unfinished
from prune.recipes.reproduction import recipe_of
from prune.results.layout import ORIGIN, StageFolder, dense_folder, pruned_folder, run_folder
from prune.results.origin import origin_of
from prune.results.record import Record, finished
from prune.runtime import distributed, registry
from prune.runtime.screen import Screen
from prune.tasks.base import Outputs
from prune.training.distillation import TrainingData


def run(config: Config, screen: Screen) -> Record:
    """Carries `config` out, or what is left of it, and returns its record."""
    folder = run_folder(config)
    if (
        not config.force
        and (record := distributed.broadcast_from_main(lambda: finished(folder.record, screen.warn))) is not None
    ):
        screen.say(f"This run is finished: {folder.path}. Its result is shown; force=true carries it out anew.")
        return record
    distributed.broadcast_from_main(lambda: check_writable(config.outputs))
    with locked(StageFolder(folder.path), screen):
        if config.force:
            distributed.broadcast_from_main(lambda: shutil.rmtree(folder.path, ignore_errors=True))
        experiment = prepare(config, folder, screen)
        with closing(experiment.tracking):
            dense = fine_tune_dense(experiment)
            pruned = prune(experiment, dense)
            compacted = compact_model(experiment, dense, pruned)
            stages = {"dense": dense, "prune": pruned, "compact": compacted}
            if config.method.finish is Finish.fill:
                stages["fill"] = fill(experiment, dense, compacted)
        return distributed.broadcast_from_main(lambda: evaluate(experiment, stages))


def fine_tune_dense(experiment: Experiment) -> StageFolder:
    """Fine-tunes the unpruned model, or takes `model.dense`; scores it. Shared by all runs that need the same one."""
    config, stage = experiment.config, dense_folder(experiment.config)
    with unfinished(stage, "dense", experiment.screen, experiment.fingerprints) as watch:
        if watch:
            set_seed(config.seed)
            if config.model.dense:
                model = experiment.finished_model(config.model.dense, "model.dense")
            else:
                experiment.screen.stage("dense", "fine-tuning the unpruned model, the reference of every difference")
                model = experiment.fresh_model()
                experiment.train(model, stage, experiment.trainings.dense, TrainingData(experiment.training_features))

            def keep() -> None:
                with saving(model, stage):
                    model.save_pretrained(stage.model)
                    experiment.tokenizer.save_pretrained(stage.model)
                stage.finish(watch.report(scores=experiment.scores(model, stage)))

            distributed.broadcast_from_main(keep)
    return stage


def prune(experiment: Experiment, dense: StageFolder) -> StageFolder:
    """What the method does that takes long. Shared by all runs that differ in their finish or target only."""
    config, stage = experiment.config, pruned_folder(experiment.config)
    with unfinished(stage, "prune", experiment.screen, experiment.fingerprints, config.force) as watch:
        if watch:
            method_of(config).prune(experiment, dense, stage)
            distributed.broadcast_from_main(lambda: stage.finish(watch.report()))
    return stage


def compact_model(experiment: Experiment, dense: StageFolder, pruned: StageFolder) -> StageFolder:
    """Removes empty heads and dimensions, and proves that no logit changed, before anything is saved."""
    stage = experiment.folder.compacted
    with unfinished(stage, "compact", experiment.screen, experiment.fingerprints) as watch:
        if watch:
            experiment.screen.stage("compact", "removing empty heads and dimensions")
            found = method_of(experiment.config).pruned(experiment, dense, pruned, stage)
            distributed.broadcast_from_main(lambda: _keep_compacted(experiment, found, stage, watch))
    return stage


def fill(experiment: Experiment, dense: StageFolder, compacted: StageFolder) -> StageFolder:
    """Frees the zeros that compaction left, and fine-tunes again."""
    config, stage = experiment.config, experiment.folder.filled
    with unfinished(stage, "fill", experiment.screen, experiment.fingerprints) as watch:
        if watch:
            experiment.screen.stage("fill", "freeing the zeros that are left, and fine-tuning again")
            set_seed(config.seed)
            model = saved_model.load(compacted.model)
            experiment.train(model, stage, experiment.trainings.fill, experiment.training_data(dense))

            def keep() -> None:
                structure = Structure.read(compacted.model)
                with saving(model, stage):
                    saved_model.save(model, structure, experiment.tokenizer, stage.model, experiment.task.auto_class)
                stage.finish(watch.report())

            distributed.broadcast_from_main(keep)
    return stage


def evaluate(experiment: Experiment, stages: dict[str, StageFolder]) -> Record:
    """Quality, size and speed of the result against dense; writes model/, recipe.yaml and, last, record.json."""
    folder, config = experiment.folder, experiment.config
    experiment.screen.stage("evaluate", "quality, size and speed against the dense model")
    shutil.rmtree(folder.model, ignore_errors=True)
    shutil.copytree(stages.get("fill", stages["compact"]).model, folder.model)
    record = assess(experiment, {name: stage.read_report() or {} for name, stage in stages.items()})
    write_at_once(folder.model / ORIGIN, json.dumps(origin_of(record), indent=1) + "\n")
    write_at_once(folder.recipe, recipe_of(config, record))
    write_at_once(folder.record, json.dumps(asdict(record), indent=1) + "\n")
    return record


def _keep_compacted(experiment: Experiment, found: Pruned, stage: StageFolder, watch: Stopwatch) -> None:
    model = found.model
    left = size.num_nonzero(model.base_model, experiment.sublayers)
    density = left / size.num_prunable(experiment.dense_sublayers)
    _refuse_no_effect(experiment, density)
    whole = copy.deepcopy(model)
    structure = _compacted(experiment, model)
    difference = _proven(experiment, found.outputs, whole, model)
    with saving(model, stage):
        saved_model.save(model, structure, experiment.tokenizer, stage.model, experiment.task.auto_class)
    stage.finish(watch.report(density=density, largest_logit_difference=difference, spared=dict(found.spared)))


def _proven(experiment: Experiment, before: Outputs, whole: PreTrainedModel, compacted: PreTrainedModel) -> float:
    """How little the outputs changed, `before` being those of `whole` as its method made it."""

    def in_double() -> tuple[Outputs, Outputs]:
        first, second = (experiment.proof_outputs(copy.deepcopy(one).double()) for one in (whole, compacted))
        return first, second

    return prove_equal(before, experiment.proof_outputs(compacted), experiment.task.distilled, in_double)


def _refuse_no_effect(experiment: Experiment, density: float) -> None:
    if density == 1.0:
        setting = experiment.setting
        advice = "raise method.penalty, or train longer" if "penalty" in setting else "lower method.density"
        raise UserError(f"{experiment.config.method.name} removed nothing at {setting}: {advice}")


def method_of(config: Config) -> Any:
    """The module of the method's kind: see prune/methods/__init__.py."""
    return registry.module("methods", config.method.kind)


def _compacted(experiment: Experiment, model: PreTrainedModel) -> Structure:
    if experiment.config.method.finish is Finish.fold:
        return Structure(model.config.model_type, all_units(experiment.sublayers), experiment.depth)
    return compact(model, experiment.sublayers, experiment.depth, experiment.first_token_only)
