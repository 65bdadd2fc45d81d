"""The only file that knows transformers' Trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from safetensors.torch import load_model
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_linear_schedule_with_warmup,
)

from prune.config.schema import DistillationConfig, Precision
from prune.data.features import LENGTH, inputs_only
from prune.errors import UserError
from prune.masking.masks import Masks
from prune.runtime import distributed
from prune.runtime.memory import keep_memory
from prune.runtime.resources import require_room, writing
from prune.runtime.screen import Screen
from prune.training.callbacks import SECONDS, AdvanceMasks, Clock, Evaluate, OwnNoise, Show, StopAfter, Trim
from prune.training.checkpoints import WEIGHTS, checkpoints, history_of, last_good_checkpoint, step_of
from prune.training.distillation import TrainingData, ask, losses, part_of
from prune.training.dropout import set_dropout
from prune.training.precision import as_in_training, in_bfloat16
from prune.training.sampler import LengthGrouped, SetEpoch
from prune.training.used_rows import used_rows

_NUM_LOGS = 100
_KEPT_CHECKPOINTS = 2
_MOST_CHECKPOINTS = _KEPT_CHECKPOINTS + 1
"""There is one more while it is written."""


@dataclass(frozen=True)
class Training:
    """How one model is trained. Steps are optimizer steps."""

    name: str
    """Name of the stage, for the progress."""
    steps: int
    warmup: int
    checkpoint_every: int
    batch_size: int
    learning_rate: float
    score_learning_rate: float
    weight_decay: float
    precision: Precision
    seed: int
    dropout: float | None = None
    """Probability of all dropouts; None: the model's own."""
    stop_after: int | None = None
    """The step after which it ends, its schedule as if it went on; None: after the last."""
    eval_every: int | None = None
    """Steps between evaluations; None: there are none."""

    @property
    def last_step(self) -> int:
        """The step after which it ends."""
        return self.steps if self.stop_after is None else min(self.steps, self.stop_after)


@dataclass(frozen=True)
class Evaluation:
    """What is measured of a model while it is trained."""

    measure: Callable[[], Mapping[str, float]]
    """Metric -> value of the model as it is; asked by the main process."""
    ids: frozenset[int]
    """The tokens that its texts use."""


def train(
    model: PreTrainedModel,
    training_data: TrainingData,
    collator: Any,
    training: Training,
    distillation: DistillationConfig,
    folder: Path,
    screen: Screen,
    masks: Masks | None = None,
    ramp: Callable[[int], float] | None = None,
    watchers: Sequence[TrainerCallback] = (),
    evaluation: Evaluation | None = None,
    flops_until: Callable[[int], float] | None = None,
) -> list[dict[str, float]]:
    """Trains `model` in place, from the last good checkpoint in `folder` if there is one; returns the logged history.

    Each entry of it has the seconds that steps have taken until then and, where `flops_until` tells those of so many
    steps, the floating-point operations. With an `evaluation` some have what it measures, too.

    Where that checkpoint is of the last step already, `model` becomes what it holds: what is trained; what is not (see
    `used_rows`), `model` must bring as it was at the start.

    Raises:
        UserError: if the loss is not finite, naming the step and the term, or if there is no room for checkpoints; the
            last one is kept.
    """
    keep_memory()  # a step then finds the pages of the one before
    if training.dropout is not None:
        set_dropout(model, training.dropout)
    resume = distributed.broadcast_from_main(lambda: last_good_checkpoint(folder, screen.warn))
    start = step_of(resume) if resume else 0
    if resume:
        screen.say(f"          going on from step {start}")
    ids = training_data.ids | (evaluation.ids if evaluation else frozenset())
    if resume and start >= training.last_step:
        with used_rows(model, ids, training.weight_decay):
            load_model(model, str(resume / WEIGHTS))
        return history_of(resume)
    need = _bytes_of_checkpoint(model)
    require_room(folder, need * max(1, _MOST_CHECKPOINTS - len(checkpoints(folder))), "checkpoints")
    with (
        writing(folder, need),
        used_rows(model, ids, training.weight_decay),
        screen.training(training.name, training.steps, start) as progress,
    ):
        trainer = _Trainer(model, training_data, collator, training, distillation, folder, masks, flops_until)
        if masks is not None and ramp is not None:
            trainer.add_callback(AdvanceMasks(masks, ramp))
        trainer.add_callback(Show(progress))
        trainer.add_callback(Trim(training.steps))
        if training.stop_after is not None:
            trainer.add_callback(StopAfter(training.stop_after))
        if evaluation is not None and training.eval_every is not None:
            trainer.add_callback(Evaluate(training.eval_every, training.last_step, evaluation.measure, trainer.log))
        for watcher in watchers:
            trainer.add_callback(watcher)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
        trainer.accelerator.wait_for_everyone()  # until all have written their part of the last checkpoint
    return list(trainer.state.log_history)


def _bytes_of_checkpoint(model: nn.Module) -> int:
    """Weights, and two moments of those that are trained."""
    return sum(p.numel() * p.element_size() * (3 if p.requires_grad else 1) for p in model.parameters())


def _trained_parameters(model: nn.Module, masks: Masks | None) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights and scores, as the optimizer has them."""
    scores = {id(p) for p in masks.parameters()} if masks is not None else set()
    trained = [p for p in model.parameters() if p.requires_grad]
    return [p for p in trained if id(p) not in scores], [p for p in trained if id(p) in scores]


class _Trainer(Trainer):
    def __init__(
        self,
        model: PreTrainedModel,
        training_data: TrainingData,
        collator: Any,
        training: Training,
        distillation: DistillationConfig,
        folder: Path,
        masks: Masks | None,
        flops_until: Callable[[int], float] | None,
    ):
        self.clock, self.flops_until = Clock(), flops_until
        self.training, self.distillation, self.masks, self.teacher = (
            training,
            distillation,
            masks,
            training_data.teacher,
        )
        self.distilled_as = training_data.distilled_as
        features = training_data.features
        self.sampler = LengthGrouped(training.batch_size, features[LENGTH][:], training.seed)
        args = _arguments(training, folder, model)
        super().__init__(model, args, data_collator=collator, train_dataset=inputs_only(features))
        self.remove_callback(PrinterCallback)
        if self.teacher is not None:
            self.teacher.model.to(self.args.device)
        self.add_callback(SetEpoch(self.sampler, collator))
        self.add_callback(OwnNoise())
        self.add_callback(self.clock)
        self._terms: dict[str, Tensor] = {}

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        inputs, weight = part_of(inputs, self.args.process_index, self.args.world_size)
        with as_in_training(self.training.precision, self.args.device, inputs["input_ids"].shape[1]):
            outputs, teacher_outputs = ask(model, inputs, self.teacher)
        terms = losses(outputs, teacher_outputs, self.distillation, inputs, weight, distilled_as=self.distilled_as)
        if self.masks is not None and torch.is_tensor(penalty := self.masks.penalty()):
            terms["penalty"] = penalty
        values = torch.stack(list(terms.values()))
        of_all = self.accelerator.reduce(values.detach(), "mean")
        self._terms = dict(zip(terms, of_all, strict=True))
        if not torch.isfinite(of_all.sum()):
            self._refuse(self._terms)
        loss = values.sum()
        return (loss, outputs) if return_outputs else loss

    def _refuse(self, terms: dict[str, Tensor]) -> None:
        causes = ", ".join(f"{name} {term.item()}" for name, term in terms.items() if not torch.isfinite(term))
        raise UserError(
            f"the loss is not finite at step {self.state.global_step + 1} of {self.training.name} ({causes}). The last "
            "checkpoint is kept; lower schedule.learning_rate or schedule.score_learning_rate, or use "
            "schedule.precision=float32"
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs |= {f"{name}_loss": term.item() for name, term in self._terms.items()}
            if self.masks is not None:
                logs |= self.masks.curves()
        logs[SECONDS] = self.clock.seconds
        if self.flops_until is not None:
            logs["flops"] = self.flops_until(self.state.global_step)
        super().log(logs, start_time)

    def create_optimizer(self, *_: Any) -> torch.optim.Optimizer:
        settings = self.training
        assert isinstance(self.model, nn.Module)
        weights, scores = _trained_parameters(self.model, self.masks)
        of_scores = {"params": scores, "lr": settings.score_learning_rate, "weight_decay": 0.0}
        groups = [
            one for one in ({"params": weights, "weight_decay": settings.weight_decay}, of_scores) if one["params"]
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        self.lr_scheduler = get_linear_schedule_with_warmup(
            optimizer or self.optimizer, self.training.warmup, self.training.steps
        )
        return self.lr_scheduler

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # counted by measure/speed.py, not at every step

    def get_train_dataloader(self) -> Any:
        """Whole batches for every process, which takes its part in `compute_loss`: as long as without others."""
        loader: Any = DataLoader(
            self.train_dataset,  # type: ignore[arg-type]  # as its stubs have it
            batch_size=self.training.batch_size,
            sampler=self.sampler,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return prepare_data_loader(loader, self.args.device, num_processes=1, process_index=0, put_on_device=True)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.sampler


def _arguments(training: Training, folder: Path, model: PreTrainedModel) -> TrainingArguments:
    gpu = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=training.steps,
        per_device_train_batch_size=training.batch_size,
        use_cpu=not torch.accelerator.is_available(),
        bf16=in_bfloat16(training.precision),
        seed=training.seed,
        logging_steps=max(1, training.steps // _NUM_LOGS),
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=training.checkpoint_every,
        save_total_limit=_KEPT_CHECKPOINTS,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=gpu,
        average_tokens_across_devices=False,
        ddp_find_unused_parameters=any(p.numel() == 0 for p in model.parameters()),  # no units: left out as a whole
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # several GPUs have a process each; DataParallel would lose the masks
    return arguments
