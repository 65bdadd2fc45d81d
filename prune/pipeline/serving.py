"""The models of a run as other runtimes call them: converted, compared with the original, and written."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.compaction.compact import largest_difference
from prune.config.schema import Config, SpeedConfig
from prune.errors import UserError
from prune.inference.formats import FORMATS, Format
from prune.inference.inputs import Inputs
from prune.inference.runtimes import LABELS, Serving
from prune.measure.speed import Batches, speed_batches, speed_device
from prune.pipeline.examples import Examples
from prune.tasks.base import Task

TOLERANCE = 1e-4
"""Largest difference of an output, relative to the largest output, that is rounding."""
_TRACED = (2, 12)
"""Texts, and their tokens, with which a model is traced."""
_TRIED = ((1, 9), (2, 16), (5, 5))
"""Batch sizes and lengths at which outputs are compared."""
_CALIBRATION = 320
"""Training examples that show the ranges of 8-bit numbers."""
_CPU = torch.device("cpu")


class ServedModel:
    """A converted model where one of transformers is expected to be called."""

    training = False

    def __init__(self, called: Any, config: Any, task: Task):
        self._called, self.config, self._task, self.device = called, config, task, _CPU

    def __call__(self, **batch: Tensor) -> Any:
        return self._task.completed(self._called(**batch), batch)

    def eval(self) -> ServedModel:
        return self

    def to(self, device: Any) -> ServedModel:
        """Stays where its runtime computes."""
        return self

    def train(self, mode: bool = True) -> ServedModel:
        return self


def serving_of(config: Config, examples: Examples, *, with_decoder: bool) -> Serving:
    """How the models of a run are called where their speed is measured."""
    speed = config.evaluate.speed
    form = speed.runtime.value if speed.runtime not in LABELS else None
    inputs = conversion_inputs(FORMATS[form], examples, with_decoder=with_decoder) if form else None
    device = _CPU if form else speed_device(speed.device)
    return Serving(getattr(torch, speed.dtype), device, speed.runtime, speed.reference, inputs)


def conversion_inputs(made: Format, examples: Examples, *, with_decoder: bool) -> Inputs:
    """Real inputs, from which a model is converted."""
    calibration = tuple(examples.sample(_CALIBRATION, _CPU)) if made.calibrated else ()
    return Inputs(_batch(examples, *_TRACED, with_decoder=with_decoder), calibration)


def write_converted(examples: Examples, model: PreTrainedModel, form: str, folder: Path) -> Any:
    """Writes `model` as `form` of FORMATS into `folder`, with its tokenizer and what its task adds; gives what was
    converted.

    Raises:
        UserError: if its outputs are not those of `model`; nothing is written then.
    """
    made, with_decoder = FORMATS[form], has_decoder(model)
    with torch.no_grad():
        converted = made.export(model, conversion_inputs(made, examples, with_decoder=with_decoder))
        difference = _difference(model, converted, examples, with_decoder=with_decoder)
    if math.isnan(difference):
        raise UserError(f"format={form}: some outputs of the exported model are no numbers; nothing was written")
    if made.exact and difference > TOLERANCE:
        raise UserError(
            f"format={form}: the exported model's outputs differ by {difference:.2g} of their size, more than the "
            f"{TOLERANCE} of rounding; nothing was written. This is a defect of the exporter: please report the model"
        )
    shutil.rmtree(folder, ignore_errors=True)
    made.save(converted, folder)
    examples.tokenizer.save_pretrained(folder)
    examples.task.save(model, folder)
    return converted


def has_decoder(model: PreTrainedModel) -> bool:
    """Whether a forward pass needs the inputs of a decoder, too."""
    return bool(model.config.is_encoder_decoder and model.can_generate())


def batches_of(examples: Examples, speed: SpeedConfig, *, with_decoder: bool) -> Iterator[Batches]:
    """What models are timed on, where runtimes compute."""
    return speed_batches(examples.evaluation, examples.tokenizer, speed, _CPU, with_decoder)


def _batch(examples: Examples, size: int, length: int, *, with_decoder: bool) -> dict[str, Tensor]:
    """Real inputs of `size` x `length`."""
    speed = replace(
        examples.config.evaluate.speed, batch_sizes=[size], length=length, generated_length=max(1, length - 2)
    )
    return next(batches_of(examples, speed, with_decoder=with_decoder))[0]


def _difference(model: PreTrainedModel, converted: Any, examples: Examples, *, with_decoder: bool) -> float:
    """The largest over several shapes of inputs, so that a graph that fits one shape only is noticed."""
    found, task = [], examples.task
    for size, length in _TRIED:
        batch = _batch(examples, size, length, with_decoder=with_decoder)
        before, after = (task.completed(one(**batch), batch) for one in (model, converted))
        found.append(largest_difference(before, after, task.distilled))
    return float(np.max(found))  # NaN where there is one
