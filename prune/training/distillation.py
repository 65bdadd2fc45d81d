"""Learning from a teacher's logits (Hinton et al. 2015)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from prune.config import DistillationConfig
from prune.measure.quality import outputs_of

_PREFIX = "teacher_"


def soft_cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the batch; logits (batch, ..., classes)."""
    log_student = F.log_softmax(student / temperature, dim=-1).flatten(0, -2)
    log_teacher = F.log_softmax(teacher / temperature, dim=-1).flatten(0, -2)
    return F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True) * temperature**2


def with_teacher(features: Dataset, teacher: Any, names: tuple[str, ...], collator: Any, batch_size: int) -> Dataset:
    """`features` with the teacher's outputs `names` as columns, computed once: a teacher gives the same every epoch."""
    outputs = outputs_of(teacher, features, names, collator, batch_size)
    for name in names:
        features = features.add_column(_PREFIX + name, list(outputs[name]))
    return features


def take_teacher(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Removes the teacher's outputs from a batch and returns them by their name."""
    return {key.removeprefix(_PREFIX): inputs.pop(key) for key in list(inputs) if key.startswith(_PREFIX)}


def losses(
    outputs: Mapping[str, Tensor], teacher: Mapping[str, Tensor], config: DistillationConfig
) -> dict[str, Tensor]:
    """The weighted terms of the loss: against the labels, and against the teacher if there is one."""
    if not teacher:
        return {"labels": outputs["loss"]}
    distances = [
        soft_cross_entropy(outputs[n].float(), logits.float(), config.temperature) for n, logits in teacher.items()
    ]
    return {
        "labels": config.alpha_ce * outputs["loss"],
        "teacher": config.alpha_teacher * torch.stack(distances).mean(),
    }
