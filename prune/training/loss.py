"""What a training minimises, where that is not the model's own loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from prune.config.schema import DistillationConfig
from prune.tasks.base import Loss
from prune.training.distillation import TrainingData, ask, losses


@contextmanager
def minimising(loss: Loss | None, model: nn.Module) -> Iterator[None]:
    """Meanwhile `model` returns this `loss` of its inputs, which are keywords; None: its own."""
    if loss is None:
        yield
        return

    def replace(_model: nn.Module, _args: Any, inputs: dict[str, Any], outputs: Any) -> Any:
        outputs["loss"] = loss(outputs, inputs)
        return outputs

    handle = model.register_forward_hook(replace, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def mean_loss(
    model: Any, data: TrainingData, batches: Iterable[dict[str, Tensor]], distillation: DistillationConfig
) -> float:
    """The mean over the examples of `batches`, with what the teacher said as `data` has it, and without dropout."""
    model.eval()
    total, number = 0.0, 0
    for batch in batches:
        inputs = {name: values.to(model.device) for name, values in batch.items()}
        outputs, teacher_outputs = ask(model, inputs, data.teacher)
        terms = losses(outputs, teacher_outputs, distillation, inputs, distilled_as=data.distilled_as)
        size = len(inputs["input_ids"])
        total += size * float(torch.stack(list(terms.values())).sum())
        number += size
    return total / number
