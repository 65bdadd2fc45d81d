"""The trainings of a run: their settings, what models learn from, and how they are watched."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune.config.identity import data_seed
from prune.config.schema import Config
from prune.data.features import inputs_only
from prune.files.atomic import write_at_once
from prune.masking.masks import Masks
from prune.masking.schedule import Cubic
from prune.measure.speed import speed_device
from prune.pipeline.compute import compute_of, flops_of_answers, steps_within_budget
from prune.pipeline.examples import Examples
from prune.pipeline.exemplars import weighted_rows
from prune.pipeline.networks import Networks
from prune.results.layout import RunFolder, StageFolder
from prune.runtime import distributed
from prune.runtime.screen import Screen
from prune.tasks.base import Scores
from prune.training.callbacks import SECONDS
from prune.training.distillation import Teacher, TrainingData, with_teacher
from prune.training.loss import mean_loss, minimising
from prune.training.precision import as_in_training
from prune.training.settings import Trainings
from prune.training.tracking import Tracking
from prune.training.trainer import Evaluation, Training, train


@dataclass(frozen=True)
class Learning:
    """How the models of a run are trained."""

    config: Config
    examples: Examples
    networks: Networks
    folder: RunFolder
    screen: Screen
    taught: dict[Path, TrainingData] = field(default_factory=dict)
    """Folder of the unpruned model -> what models learn from, made once."""

    @cached_property
    def settings(self) -> Trainings:
        """The settings of every training."""
        has_budget = self.config.schedule.budget_flops or self.config.schedule.budget_seconds
        return Trainings(self.config, len(self.examples.training), self._steps_within_budget if has_budget else None)

    @cached_property
    def tracking(self) -> Tracking:
        """Where the curves of trainings are shown."""
        return Tracking(self.config, self.folder)

    @property
    def teaches_at_every_step(self) -> bool:
        """Whether the teacher, if there is one, gives too much for its outputs to be kept."""
        return self.config.distillation.alpha_layers > 0 or not self.examples.task.keeps_teacher

    @cached_property
    def rows(self) -> list[int] | None:
        """Rows of the training examples as pruning and fill see them; None where all count the same.

        Raises:
            UserError: if `task.weights` is no audit of these examples.
        """
        task = self.examples.task
        if not self.config.task.weights:
            return None
        return weighted_rows(self.config.task, task.ids(self.examples.rows[self.config.task.train_split]))

    def as_weighted(self, features: Dataset) -> Dataset:
        """The features of the training examples, each as often as pruning and fill see it in an epoch."""
        return features if self.rows is None else features.select(self.rows)

    def data(self, dense: StageFolder) -> TrainingData:
        """The training features, with the teacher if there is one; made once in a run."""
        if dense.path not in self.taught:
            self.taught[dense.path] = self._new_data(dense)
        return self.taught[dense.path]

    def loss(self, model: PreTrainedModel, dense: StageFolder, number: int) -> float:
        """What training minimises, of `model` as it is: the mean over so many training examples, or all, drawn by the
        data seed.
        """
        data, config = self.data(dense), self.config
        model.to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        drawn = data.features.shuffle(seed=data_seed(config)).select(range(min(number, len(data.features))))
        batches = DataLoader(
            inputs_only(drawn), batch_size=config.schedule.batch_size, collate_fn=self.examples.collator
        )
        with minimising(self.examples.task.loss, model):
            return mean_loss(model, data, batches, config.distillation)

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
        compute = compute_of(model, data.features, training, data.teacher, self.examples.task.texts_per_example)
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
                self._evaluation(model) if training.eval_every is not None else None,
                compute.until,
            )
        self.spent[stage.path] = {
            "steps": training.last_step,
            "epochs": training.last_step / compute.steps_per_epoch,
            "flops": compute.until(training.last_step),
            SECONDS: next((entry[SECONDS] for entry in reversed(history) if SECONDS in entry), 0.0),
        }
        if distributed.is_main_process():
            write_at_once(stage.history, json.dumps(history) + "\n")

    def teacher_flops(self, dense: StageFolder) -> float:
        """Floating-point operations of a teacher that is asked once about each training example; 0 where it is not."""
        if self.config.teacher == "none" or self.teaches_at_every_step:
            return 0.0
        return flops_of_answers(self._teacher(dense), self.examples)

    @cached_property
    def spent(self) -> dict[Path, dict[str, float]]:
        """Folder of a stage -> what its training has taken: `steps`, `epochs`, `flops`, `seconds`."""
        return {}

    def _evaluation(self, model: PreTrainedModel) -> Evaluation:
        def measure() -> Scores:
            (scores,) = self.examples.main_scores(model).values()
            return scores

        return Evaluation(measure, TrainingData(self.examples.evaluation).ids)

    def _steps_within_budget(self, training: Training) -> int:
        """Found once; `training`: as it would be without a budget, which has the same batches."""
        if not self._found_steps:
            self._found_steps.append(steps_within_budget(self.config, self.networks, self.examples, training))
        return self._found_steps[0]

    @cached_property
    def _found_steps(self) -> list[int]:
        return []

    def _new_data(self, dense: StageFolder) -> TrainingData:
        if self.config.teacher == "none":
            return TrainingData(self.as_weighted(self.examples.training))
        model = self._teacher(dense)
        model.to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        if self.teaches_at_every_step:
            layers = self.config.distillation.alpha_layers > 0
            teacher = Teacher(model, self.examples.task.distilled, layers)
            return TrainingData(
                self.as_weighted(self.examples.training), teacher, distilled_as=self.examples.task.distilled_as
            )
        with as_in_training(self.config.schedule.precision, model.device):
            outputs = self.examples.outputs_of(model, self.examples.training)
        features = with_teacher(self.examples.training, outputs)
        return TrainingData(self.as_weighted(features), distilled_as=self.examples.task.distilled_as)

    def _teacher(self, dense: StageFolder) -> PreTrainedModel:
        path = str(dense.model) if self.config.teacher == "dense" else self.config.teacher
        return self.networks.finished(path, "teacher")
