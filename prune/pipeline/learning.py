"""The trainings of a run: their settings, what models learn from, and how they are watched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from transformers import PreTrainedModel

from prune.config.schema import Config
from prune.files.atomic import write_at_once
from prune.masking.masks import Masks
from prune.masking.schedule import Cubic
from prune.measure.speed import speed_device
from prune.pipeline.examples import Examples
from prune.pipeline.networks import Networks
from prune.results.layout import RunFolder, StageFolder
from prune.runtime import distributed
from prune.runtime.screen import Screen
from prune.training.distillation import Teacher, TrainingData, with_teacher
from prune.training.loss import minimising
from prune.training.precision import as_in_training
from prune.training.settings import Trainings
from prune.training.tracking import Tracking
from prune.training.trainer import Training, train


@dataclass(frozen=True)
class Learning:
    """How the models of a run are trained."""

    config: Config
    examples: Examples
    networks: Networks
    folder: RunFolder
    screen: Screen

    @cached_property
    def settings(self) -> Trainings:
        """The settings of every training."""
        return Trainings(self.config, len(self.examples.training))

    @cached_property
    def tracking(self) -> Tracking:
        """Where the curves of trainings are shown."""
        return Tracking(self.config, self.folder)

    @property
    def teaches_at_every_step(self) -> bool:
        """Whether the teacher, if there is one, gives too much for its outputs to be kept."""
        return self.config.distillation.alpha_layers > 0 or not self.examples.task.keeps_teacher

    def data(self, dense: StageFolder) -> TrainingData:
        """The training features, with the teacher if there is one; made once in a run."""
        if dense.path not in self._data:
            self._data[dense.path] = self._new_data(dense)
        return self._data[dense.path]

    def train(
        self,
        model: PreTrainedModel,
        stage: StageFolder,
        training: Training,
        data: TrainingData,
        masks: Masks | None = None,
        ramp: Cubic | None = None,
    ) -> None:
        """Trains `model` in place and keeps the curves in the stage's history."""
        with minimising(self.examples.task.loss, model):
            history = train(
                model,
                data,
                self.examples.collator,
                training,
                self.config.distillation,
                stage.checkpoints,
                self.screen,
                masks,
                ramp,
                self.tracking.callbacks(training.name) if self.config.tracking else (),
            )
        if distributed.is_main_process():
            write_at_once(stage.history, json.dumps(history) + "\n")

    @cached_property
    def _data(self) -> dict[Path, TrainingData]:
        return {}

    def _new_data(self, dense: StageFolder) -> TrainingData:
        if self.config.teacher == "none":
            return TrainingData(self.examples.training)
        path = str(dense.model) if self.config.teacher == "dense" else self.config.teacher
        model = self.networks.finished(path, "teacher")
        model.to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        if self.teaches_at_every_step:
            layers = self.config.distillation.alpha_layers > 0
            teacher = Teacher(model, self.examples.task.distilled, layers)
            return TrainingData(self.examples.training, teacher, regresses=self.examples.task.regresses)
        with as_in_training(self.config.schedule.precision, model.device):
            outputs = self.examples.outputs_of(model, self.examples.training)
        features = with_teacher(self.examples.training, outputs)
        return TrainingData(features, regresses=self.examples.task.regresses)
