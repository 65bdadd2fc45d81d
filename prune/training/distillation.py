"""Learning from a teacher's logits (Hinton et al. 2015)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from prune.config import DistillationConfig

_PREFIX = "teacher_"


def soft_cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the batch; logits (batch, ..., classes)."""
    log_student = F.log_softmax(student / temperature, dim=-1).flatten(0, -2)
    log_teacher = F.log_softmax(teacher / temperature, dim=-1).flatten(0, -2)
    return F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True) * temperature**2


def with_teacher(features: Dataset, outputs: Mapping[str, Any]) -> Dataset:
    """`features` with the teacher's outputs as columns, computed once: a teacher gives the same every epoch."""
    for name, values in outputs.items():
        features = features.add_column(_PREFIX + name, values)
    return features


@dataclass(frozen=True)
class Teacher:
    """A teacher that is asked at every step, where its answers are too large to be kept."""

    model: Any
    names: tuple[str, ...]
    """The outputs to learn from."""

    def __post_init__(self) -> None:
        self.model.eval()

    @torch.no_grad()
    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Its outputs for a batch."""
        outputs = self.model(**inputs)
        return {name: outputs[name] for name in self.names}


@dataclass(frozen=True)
class Lesson:
    """What a model is trained on."""

    features: Dataset
    """With what a teacher said, as columns, where that is kept."""
    teacher: Teacher | None = None
    """Asked at every step otherwise."""


def take_teacher(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Removes the teacher's outputs from a batch and returns them by their name."""
    return {key.removeprefix(_PREFIX): inputs.pop(key) for key in list(inputs) if key.startswith(_PREFIX)}


def losses(
    outputs: Mapping[str, Tensor],
    teacher: Mapping[str, Tensor],
    config: DistillationConfig,
    counted: Tensor | None = None,
) -> dict[str, Tensor]:
    """The weighted terms of the loss: against the labels, and against the teacher if there is one.

    `counted` (batch, tokens): which tokens of generated texts are no padding.
    """
    if not teacher:
        return {"labels": outputs["loss"]}
    which = slice(None) if counted is None else counted
    distances = [
        soft_cross_entropy(outputs[name][which].float(), logits[which].float(), config.temperature)
        for name, logits in teacher.items()
    ]
    return {
        "labels": config.alpha_ce * outputs["loss"],
        "teacher": config.alpha_teacher * torch.stack(distances).mean(),
    }
