"""What the stages of one run share: data, features, and how models are made and trained."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed

from prune import discovery, models, quiet
from prune.config import Config, Start
from prune.durations import in_steps
from prune.errors import UserError
from prune.masking.attach import Masks, masks_of
from prune.masking.schedule import Cubic
from prune.measure.quality import outputs_of
from prune.outputs import RunFolder, StageFolder, write_at_once
from prune.shrink import reload
from prune.sublayers import Sublayer
from prune.tasks.base import Scores, Task
from prune.training.distillation import with_teacher
from prune.training.progress import Screen
from prune.training.trainer import Training, train

_PROOF_EXAMPLES = 256


@dataclass
class Experiment:
    """One run and what its stages share."""

    config: Config
    screen: Screen
    folder: RunFolder
    task: Task
    tokenizer: PreTrainedTokenizerBase
    features: dict[str, Dataset]
    fingerprints: dict[str, str]
    sublayers: list[Sublayer]

    @property
    def training_features(self) -> Dataset:
        """Features of the training split."""
        return self.features[self.config.task.train_split]

    @property
    def main_features(self) -> Dataset:
        """Features of the first evaluation split."""
        return self.features[self.config.task.eval_splits[0]]

    def fresh_model(self) -> PreTrainedModel:
        """The model of the config with a new head; draws from the global generator."""
        model = self.config.model
        return models.fresh_model(
            model.path, self.task.auto_class, self.task.model_settings(), pretrained=model.pretrained
        )

    def masked_model(self, dense: StageFolder) -> tuple[PreTrainedModel, Masks]:
        """The model that pruning starts from, with the method's masks."""
        set_seed(self.config.seed)
        if self.config.schedule.start_from is Start.dense:
            model = models.finished_model(str(dense.model), self.task.auto_class)
        else:
            model = self.fresh_model()
        method = discovery.module("methods", self.config.method.kind)
        method.spread(model, model.base_model, self.sublayers, self.config.method, self.config.seed)
        set_seed(self.config.seed)
        return model, masks_of(model)

    def features_with_teacher(self, dense: StageFolder) -> Dataset:
        """Training features with the teacher's logits, if there is a teacher."""
        if self.config.teacher == "none":
            return self.training_features
        path = str(dense.model) if self.config.teacher == "dense" else self.config.teacher
        teacher = models.finished_model(path, self.task.auto_class, option="teacher")
        collator, size = self.task.collator(self.tokenizer), self.config.schedule.eval_batch_size
        return with_teacher(self.training_features, teacher, self.task.distilled, collator, size)

    def training(self, name: str, epochs: float) -> Training:
        """The schedule's settings for a training of so many epochs."""
        schedule = self.config.schedule
        steps = max(1, round(epochs * math.ceil(len(self.training_features) / schedule.batch_size)))
        return Training(
            name=name,
            steps=steps,
            warmup=in_steps(schedule.warmup, steps),
            checkpoint_every=max(1, in_steps(schedule.checkpoint_every, steps)),
            batch_size=schedule.batch_size,
            learning_rate=schedule.learning_rate,
            score_learning_rate=schedule.score_learning_rate,
            weight_decay=schedule.weight_decay,
            precision=schedule.precision,
            seed=self.config.seed,
        )

    def ramp(self, training: Training) -> Cubic:
        """How far masks have moved at each step, from 0 to 1.

        Raises:
            UserError: if warm-up and cool-down leave no step between them.
        """
        try:
            return Cubic(
                0.0, 1.0, training.steps, training.warmup, in_steps(self.config.schedule.cooldown, training.steps)
            )
        except ValueError as error:
            raise UserError(str(error)) from error

    def train(
        self,
        model: PreTrainedModel,
        stage: StageFolder,
        training: Training,
        features: Dataset,
        masks: Masks | None = None,
        ramp: Cubic | None = None,
    ) -> None:
        """Trains `model` in place and keeps the curves in the stage's history."""
        collator = self.task.collator(self.tokenizer)
        distillation = self.config.distillation
        history = train(model, features, collator, training, distillation, stage.checkpoints, self.screen, masks, ramp)
        write_at_once(stage.history, json.dumps(history) + "\n")

    def scores(self, model: PreTrainedModel) -> dict[str, Scores]:
        """The task's metrics on every evaluation split."""
        collator, size = self.task.collator(self.tokenizer), self.config.schedule.eval_batch_size
        result = {}
        for split in self.config.task.eval_splits:
            rows = self.features[split]
            result[split] = self.task.score(outputs_of(model, rows, self.task.distilled, collator, size), rows)
        return result

    def proof_outputs(self, model: PreTrainedModel) -> Any:
        """Outputs on real examples, to compare before and after compaction."""
        rows = self.main_features.select(range(min(_PROOF_EXAMPLES, len(self.main_features))))
        collator, size = self.task.collator(self.tokenizer), self.config.schedule.eval_batch_size
        return outputs_of(model, rows, self.task.distilled, collator, size)


def prepare(config: Config, folder: RunFolder, screen: Screen) -> Experiment:
    """Reads and checks data before any weights are touched."""
    quiet.libraries()
    sublayers = reload.sublayers_in(models.shape_of(config.model.path))
    for option, path in (("teacher", config.teacher), ("model.dense", config.model.dense)):
        if path not in ("dense", "none", None):
            models.shape_of(path, option)
    task: Task = discovery.module("tasks", config.task.kind).TASK(config.task, config.seed)
    data = task.load()
    tokenizer = models.tokenizer(config.model.path)
    features = {split: task.features(rows, tokenizer) for split, rows in data.items()}
    sizes = ", ".join(f"{len(rows)} {split}" for split, rows in features.items())
    screen.stage("prepare", f"{config.task.name}: {sizes} examples")
    fingerprints = {split: _fingerprint(rows) for split, rows in features.items()}
    experiment = Experiment(config, screen, folder, task, tokenizer, features, fingerprints, sublayers)
    experiment.ramp(experiment.training("prune", config.schedule.epochs))
    return experiment


def _fingerprint(rows: Dataset) -> str:
    """A hash of the features themselves, the same on every machine."""
    digest = hashlib.sha256()
    for batch in rows.with_format("python").iter(batch_size=1000):
        digest.update(json.dumps(batch, sort_keys=True).encode())
    return digest.hexdigest()[:16]
