"""The dense model: fine-tuned, or taken from where the config says, and scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from transformers import set_seed

from prune.config.schema import Config
from prune.files.checksums import Damaged
from prune.files.paths import locate
from prune.pipeline.experiment import Experiment
from prune.pipeline.stages import saving
from prune.results.layout import StageFolder
from prune.results.typed import is_finite
from prune.runtime import distributed
from prune.runtime.wording import counted
from prune.training.distillation import TrainingData


def fine_tune_dense(experiment: Experiment, folder: StageFolder) -> Mapping[str, Any]:
    """Leaves the unpruned model and its predictions in `folder`; returns its scores."""
    config, examples, learning = experiment.config, experiment.examples, experiment.learning
    stays = bool(config.model.dense) or config.schedule.dense_epochs == 0 or not examples.task.learns_alone
    training = None if stays else learning.settings.dense  # to time steps draws numbers
    set_seed(config.seed)
    if training is None:
        experiment.screen.stage("dense", "the unpruned model as it is, the reference of every difference")
        path, option = (config.model.dense, "model.dense") if config.model.dense else (config.model.path, "model.path")
        model = experiment.networks.finished(path, option)
    else:
        experiment.screen.stage("dense", "fine-tuning the unpruned model, the reference of every difference")
        model = experiment.networks.fresh()
        learning.train(model, folder, training, TrainingData(examples.training))

    def keep() -> Mapping[str, Any]:
        with saving(model, folder):
            model.save_pretrained(folder.model)
            examples.tokenizer.save_pretrained(folder.model)
            examples.task.save(model, folder.model)
        return {"scores": examples.scores(model, folder), "pretraining_flops": _pretraining_flops(config)}

    return distributed.broadcast_from_main(keep)


def train_until(step: int, experiment: Experiment, folder: StageFolder) -> None:
    """Leaves in `folder` the unpruned model as its fine-tuning had it after so many steps, as far as that repeats."""
    learning = experiment.learning
    training = replace(learning.settings.dense, stop_after=step)
    set_seed(experiment.config.seed)
    experiment.screen.stage("dense", f"the unpruned model after {counted(step, 'step')} of its fine-tuning")
    model = experiment.networks.fresh()
    if step:
        learning.train(model, folder, training, TrainingData(experiment.examples.training))

    def keep() -> None:
        with saving(model, folder):
            model.save_pretrained(folder.model)

    distributed.broadcast_from_main(keep)


def _pretraining_flops(config: Config) -> float:
    """Floating-point operations that the model was trained for, where another run left it; 0: not known."""
    folder = locate(config.model.path)
    if not config.model.pretrained or config.model.dense or folder is None:
        return 0.0
    try:
        report = StageFolder(folder.parent).read_report() or {}
    except Damaged:
        return 0.0
    training = report.get("training")
    own = training.get("flops") if isinstance(training, dict) else None
    return sum(float(value) for value in (own, report.get("pretraining_flops")) if value and is_finite(value))
