"""What the stages of one run share: data, features, and how models are made and trained."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from prune.budget import cost_model
from prune.budget.budget import Budget, Kept, size_budget, time_budget
from prune.budget.latency_table import measured_latency_table, measured_ratio
from prune.compaction import saved_model
from prune.compaction.depth import Depth, depth_of, shallower, shallower_config
from prune.compaction.first_token import first_token_suffices
from prune.compaction.structure import FILE_NAME as STRUCTURE
from prune.config.schema import Config, Finish, Start
from prune.config.targets import target_of
from prune.data.fingerprints import cache_key, fingerprint
from prune.data.inference import outputs_of
from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.files.paths import locate
from prune.masking.masks import Masks
from prune.masking.schedule import Cubic
from prune.measure.rounding import fastest_multiple
from prune.measure.speed import speed_batches, speed_device
from prune.models import loading
from prune.models.architecture import skeleton, sublayers_of
from prune.models.sublayers import Sublayer
from prune.results.layout import RunFolder, StageFolder
from prune.runtime import distributed, library_output, registry
from prune.runtime.memory import keep_few_kernels
from prune.runtime.screen import Screen
from prune.tasks.base import Outputs, Scores, Task
from prune.training.distillation import Teacher, TrainingData, with_teacher
from prune.training.precision import as_in_training
from prune.training.settings import Trainings
from prune.training.tracking import Tracking
from prune.training.trainer import Training, train


@dataclass
class Experiment:
    """One run and what its stages share."""

    config: Config
    screen: Screen
    folder: RunFolder
    task: Task
    tokenizer: PreTrainedTokenizerBase
    data: dict[str, Dataset]
    features: dict[str, Dataset]
    fingerprints: dict[str, str]
    dense_sublayers: list[Sublayer]
    sublayers: list[Sublayer]
    """Those of the layers that stay."""
    depth: Depth

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
        settings = {"pad_token_id": self.tokenizer.pad_token_id, **self.task.model_settings()}
        return loading.fresh_model(model.path, self.task.auto_class, settings, pretrained=model.pretrained)

    def finished_model(self, path: str, option: str) -> PreTrainedModel:
        """A model for the same task that others may have trained, a pruned one, too."""
        if (folder := locate(path)) and (folder / STRUCTURE).is_file():
            model = saved_model.load(folder)
        else:
            model = loading.finished_model(path, self.task.auto_class, option=option)
        loading.align_labels(model, self.task.model_settings().get("id2label"), option)
        return model

    def first_model(self, dense: StageFolder) -> PreTrainedModel:
        """The model that pruning starts from; draws from the global generator."""
        if self.config.schedule.start_from is Start.pretrained:
            model = self.fresh_model()
        else:
            model = loading.finished_model(str(dense.model), self.task.auto_class)
        return shallower(model, self.depth)

    @property
    def first_token_only(self) -> bool:
        """Whether the compact model leaves out the tokens that nothing reads."""
        asked = self.config.compact.first_token_only
        return asked and first_token_suffices(self.task.auto_class, self.sublayers)

    @cached_property
    def tracking(self) -> Tracking:
        """Where the curves of trainings are shown."""
        return Tracking(self.config, self.folder)

    @property
    def setting(self) -> str:
        """What decides how hard the method prunes, as the table shows it."""
        method = self.config.method
        if (target := target_of(self.config)) is not None:
            return str(target)
        used = {
            registry.module("criteria", site.criterion).CRITERION.setting
            for site in (method.attention, method.feed_forward)
            if not site.stays
        }
        found = [
            f"density {method.density:g}" if kind == "density" else f"penalty {method.penalty:g}"
            for kind in sorted({"density" if kind == "density" else "penalty" for kind in used})
        ]
        return ", ".join(found + ([f"layers {method.layers:g}"] if method.layers < 1 else []))

    @cached_property
    def budget(self) -> Budget:
        """What the target allows.

        Raises:
            UserError: if it cannot be reached.
        """
        target, speed = target_of(self.config), self.config.evaluate.speed
        assert target is not None  # as checked
        shape, auto_class = loading.config_of(self.config.model.path), self.task.auto_class
        sites = {"attention": self.config.method.attention, "feed_forward": self.config.method.feed_forward}
        stay = frozenset(name for name, site in sites.items() if site.stays)
        if not target.is_time:
            filled = self.config.method.finish is Finish.fill
            return size_budget(target, self.dense_sublayers, self.sublayers, stay, auto_class, shape, filled)
        last = replace(speed, batch_sizes=speed.batch_sizes[-1:])
        device, dtype = speed_device(speed.device), getattr(torch, speed.dtype)
        with_decoder = bool(shape.is_encoder_decoder and self.task.generation())
        batch = next(speed_batches(self.main_features, self.tokenizer, last, device, with_decoder))
        table = distributed.broadcast_from_main(
            lambda: measured_latency_table(
                auto_class, shape, batch, dtype, lambda text: self.screen.stage("plan", text)
            )
        )
        own = shallower_config(shape, self.depth)
        measured = partial(measured_ratio, auto_class, shape, own, batch, dtype, self.first_token_only)

        def ratio(kept: Kept, pairs: int) -> float:
            return distributed.broadcast_from_main(lambda: measured(kept, pairs))

        of_ways = cost_model.latency_cost_models(table, self.dense_sublayers, self.sublayers, self.first_token_only)
        return time_budget(target, of_ways, self.sublayers, stay, table.dense_ms, ratio, self.screen.say)

    def training_data(self, dense: StageFolder) -> TrainingData:
        """The training features, with the teacher if there is one; asked for once in a run."""
        if dense.path not in self._lessons:
            self._lessons[dense.path] = self._new_lesson(dense)
        return self._lessons[dense.path]

    @property
    def asks_at_every_step(self) -> bool:
        """Whether the teacher, if there is one, says too much for its answers to be kept."""
        return self.config.distillation.alpha_layers > 0 or not self.task.keeps_teacher

    @cached_property
    def _lessons(self) -> dict[Path, TrainingData]:
        return {}

    def _new_lesson(self, dense: StageFolder) -> TrainingData:
        if self.config.teacher == "none":
            return TrainingData(self.training_features)
        path = str(dense.model) if self.config.teacher == "dense" else self.config.teacher
        model = self.finished_model(path, "teacher")
        model.to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        if self.asks_at_every_step:
            layers = self.config.distillation.alpha_layers > 0
            return TrainingData(self.training_features, Teacher(model, self.task.distilled, layers))
        with as_in_training(self.config.schedule.precision, model.device):
            answers = self.outputs_of(model, self.training_features)
        return TrainingData(with_teacher(self.training_features, answers))

    @cached_property
    def trainings(self) -> Trainings:
        """The settings of every training."""
        return Trainings(self.config, len(self.training_features))

    def round_to(self) -> int:
        """What widths are rounded up to a multiple of."""
        if (asked := self.config.compact.round_to) != "auto":
            return int(asked)
        speed = self.config.evaluate.speed
        widest = max((m for s in self.sublayers for m in s.inputs), key=lambda m: m.rows)
        device, dtype = speed_device(speed.device), getattr(torch, speed.dtype)
        found = fastest_multiple(widest.columns, widest.rows, device, dtype, self.screen.say)
        self.screen.say(f"         compact.round_to=auto: widths are rounded up to multiples of {found}")
        return found

    def train(
        self,
        model: PreTrainedModel,
        stage: StageFolder,
        training: Training,
        training_data: TrainingData,
        masks: Masks | None = None,
        ramp: Cubic | None = None,
    ) -> None:
        """Trains `model` in place and keeps the curves in the stage's history."""
        history = train(
            model,
            training_data,
            self.task.collator(self.tokenizer),
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

    def outputs_of(self, model: PreTrainedModel, features: Dataset) -> Outputs:
        """What `model` gives for `features`."""
        collator, size = self.task.collator(self.tokenizer), self.config.schedule.eval_batch_size
        return outputs_of(model, features, self.task.distilled, collator, size, per_token=self.task.per_token)

    def scores(self, model: PreTrainedModel, folder: StageFolder | RunFolder) -> dict[str, Scores]:
        """The task's metrics of `model` on every evaluation split; its predictions go into `folder`."""
        model.to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        found = {}
        for split in self.task.eval_splits:
            features, rows = self.features[split], self.data[split]
            size = self.config.schedule.eval_batch_size
            predictions = self.task.predictions(model, features, rows, self.tokenizer, size)
            folder.predictions(split).save(predictions.answers, predictions.odds, predictions.forced)
            found[split] = self.task.score(predictions, rows)
        return found

    def proof_outputs(self, model: PreTrainedModel) -> Outputs:
        """Outputs on real examples, to compare before and after compaction."""
        rows = self.main_features.select(range(min(self.task.proof_examples, len(self.main_features))))
        return self.outputs_of(model, rows)


def prepare(config: Config, folder: RunFolder, screen: Screen) -> Experiment:
    """Reads and checks data before any weights are touched."""
    keep_few_kernels()
    experiment = distributed.main_process_first(lambda: _read(config, folder, screen))
    experiment.trainings.ramp(experiment.trainings.prune)
    if target_of(config) is not None:
        experiment.budget  # noqa: B018  # what cannot be reached is told now
    return experiment


def _read(config: Config, folder: RunFolder, screen: Screen) -> Experiment:
    library_output.libraries()
    shape = loading.config_of(config.model.path)
    depth = depth_of(shape, config.method.layers)
    if config.method.layers < 1 and not depth.kept:
        share, name = config.method.layers, shape.model_type
        raise UserError(f"method.layers={share}: no layer of this {name} would be left out; say less, or 1")
    dense_sublayers, sublayers = (sublayers_of(skeleton(one)) for one in (shape, shallower_config(shape, depth)))
    for option, path in (("teacher", config.teacher), ("model.dense", config.model.dense)):
        if path not in ("dense", "none", None):
            other = loading.config_of(path, option)
            loading.check_weights(path)
            if option == "teacher" and config.distillation.alpha_layers > 0 and other.hidden_size != shape.hidden_size:
                raise UserError(
                    f"teacher={path}: its layers are {other.hidden_size} wide, those of model.path are "
                    f"{shape.hidden_size}; with distillation.alpha_layers they must be equal"
                )
    task: Task = registry.module("tasks", config.task.kind).TASK(config.task, config.seed)
    data = task.load()
    tokenizer = loading.tokenizer(config.model.path)
    for remark in task.remarks:
        screen.warn(remark)
    fingerprints = {split: fingerprint(rows, tokenizer) for split, rows in data.items()}
    training = {split: split == config.task.train_split for split in data}
    # Before any of them is used: a tokenizer that has been used tells another story of itself.
    keys = {split: cache_key(fingerprints[split], tokenizer, config.task, training[split]) for split in data}
    with library_output.progress_bars(screen.console.is_terminal):
        features = {
            split: task.features(rows, tokenizer, training=training[split], fingerprint=keys[split])
            for split, rows in data.items()
        }
    sizes = ", ".join(f"{len(rows)} {split}" for split, rows in data.items())
    screen.stage("prepare", f"{config.task.name}: {sizes} examples")
    return Experiment(
        config, screen, folder, task, tokenizer, data, features, fingerprints, dense_sublayers, sublayers, depth
    )
