"""`prune export`: the result of a run in another form, compared with the original and measured in its own runtime."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.compaction import saved_model
from prune.compaction.compact import largest_difference
from prune.errors import UserError
from prune.export.dense import dense_model
from prune.export.formats import FORMATS, Format, check_packages
from prune.files.atomic import write_at_once
from prune.measure.environment import environment
from prune.measure.hardware import hardware
from prune.measure.size import bytes_on_disk
from prune.measure.speed import Batches, Speed, speed_batches, time_pairs
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.shared_stages import DENSE
from prune.recipes.reproduction import config_of
from prune.results.layout import RECORD, RunFolder, StageFolder
from prune.results.record import Record, record_of
from prune.runtime.screen import Screen
from prune.tasks.base import Task

TOLERANCE = 1e-4
"""Largest difference of an output, relative to the largest output, that is rounding."""
WEIGHTS = (".onnx", ".data", ".pt2", ".safetensors")
"""Endings of the files with weights."""
_TRIED = ((1, 9), (2, 16), (5, 5))
"""Batch sizes and lengths at which the outputs are compared."""
_CPU = torch.device("cpu")
_Scores = dict[str, dict[str, float]]


class _Called:
    """An exported model where a transformers model is expected to be called."""

    training = False

    def __init__(self, exported: Any, config: Any, task: Task):
        self._exported, self.config, self._task, self.device = exported, config, task, _CPU

    def __call__(self, **batch: Tensor) -> Any:
        return self._task.completed(self._exported(**batch), batch)

    def eval(self) -> _Called:
        return self

    def to(self, device: Any) -> _Called:
        """Stays where its runtime computes."""
        return self

    def train(self, mode: bool = True) -> _Called:
        return self


def export(run: RunFolder, form: str, screen: Screen, *, evaluate: bool = True, measure: bool = True) -> Record | None:
    """Writes the model of a finished run as `form` of FORMATS.

    Returns its record, a row of its own in the table; None where it is not to be timed. Scores that are not to be
    computed are those of the original.

    Raises:
        UserError: if the run is not finished, or the exported model gives other outputs.
    """
    check_packages(form)
    made, record = FORMATS[form], record_of(run)
    if measure and not (evaluate or made.exact):
        raise UserError(
            f"format={form} evaluate=false: its scores are not those of the original, and its row of the table needs "
            "them; say measure=false, too, or leave out evaluate=false"
        )
    config = config_of(record)
    config.outputs = str(run.outputs or config.outputs)  # it may have been moved
    experiment = prepare(config, run, screen)
    if (generates := bool(experiment.examples.task.generation())) and not made.exact:
        raise UserError(f"format={form}: texts cannot be generated with it yet, so its metric would not be known")
    model, scoring = saved_model.load(run.model), evaluate and not generates
    steps = {"writing": True, "comparing": True, "scoring": scoring, "timing": measure}
    screen.stage("export", f"{made.label}: {', '.join(step for step, done in steps.items() if done)}")
    exported = made.export(model, _batch(experiment, model, 2, 12))
    difference = _difference(model, exported, experiment)
    if math.isnan(difference):
        raise UserError(f"format={form}: some outputs of the exported model are no numbers; nothing was written")
    if made.exact and difference > TOLERANCE:
        raise UserError(
            f"format={form}: the exported model's outputs differ by {difference:.2g} of their size, more than the "
            f"{TOLERANCE} of rounding; nothing was written. This is a defect of the exporter: please report the model"
        )
    folder = run.exported(form)
    shutil.rmtree(folder, ignore_errors=True)
    made.save(exported, folder)
    experiment.examples.tokenizer.save_pretrained(folder)
    experiment.examples.task.save(model, folder)
    scores = _scores(experiment, exported, model, folder) if scoring else record.scores
    if not measure:
        if scoring:
            screen.say(f"  scores  {_in_words(record, scores)}")
        return None
    speed = _speeds(experiment, record, form, model, exported)
    found = _entered(record, made, scores, speed, folder)
    write_at_once(folder / RECORD, json.dumps(asdict(found), indent=1) + "\n")
    return found


def _batch(experiment: Experiment, model: PreTrainedModel, size: int, length: int) -> dict[str, Tensor]:
    """Real inputs of `size` x `length`."""
    speed = replace(experiment.config.evaluate.speed, batch_sizes=[size], length=length, generated_length=length - 2)
    return next(_batches(experiment, model, speed))[0]


def _batches(experiment: Experiment, model: PreTrainedModel, speed: Any) -> Iterator[Batches]:
    with_decoder = bool(model.config.is_encoder_decoder and model.can_generate())
    return speed_batches(experiment.examples.evaluation, experiment.examples.tokenizer, speed, _CPU, with_decoder)


@torch.no_grad()
def _difference(model: PreTrainedModel, exported: Any, experiment: Experiment) -> float:
    """The largest over several shapes of inputs, so that a graph that fits one shape only is noticed."""
    found = []
    for size, length in _TRIED:
        batch = _batch(experiment, model, size, length)
        task = experiment.examples.task
        before, after = (task.completed(one(**batch), batch) for one in (model, exported))
        found.append(largest_difference(before, after, task.distilled))
    return float(np.max(found))  # NaN where there is one


def _scores(experiment: Experiment, exported: Any, model: PreTrainedModel, folder: Path) -> _Scores:
    """Those of the exported model, whose predictions go into `folder`."""
    called: Any = _Called(exported, model.config, experiment.examples.task)
    return experiment.examples.scores(called, StageFolder(folder), DENSE.folder(experiment.config))


def _in_words(record: Record, scores: _Scores) -> str:
    """The main metric beside that of the original."""
    here, there = (record.spec.format_value(one) for one in (_main(record, scores), record.value))
    return f"{record.metric} {here}, the original's {there}"


def _main(record: Record, scores: _Scores) -> float:
    return next(iter(scores.values()))[record.metric]


def _speeds(experiment: Experiment, record: Record, form: str, model: PreTrainedModel, exported: Any) -> list[Speed]:
    """Against the dense model in the same runtime, on batches as the run was measured on."""
    made, settings = FORMATS[form], experiment.config.evaluate.speed
    unpruned = dense_model(made.rival or form, experiment, _batch(experiment, model, 2, 12))
    pruned = exported if made.opened is None else made.opened(experiment.folder.exported(form))
    return [
        time_pairs(unpruned, pruned, batches, _CPU, settings.pairs, known["speedup_theoretical"])
        for batches, known in zip(_batches(experiment, model, settings), record.speed, strict=True)
    ]


def _entered(record: Record, made: Format, scores: _Scores, speed: list[Speed], folder: Path) -> Record:
    """The run's record with what is another in the new format: quality, speed against the dense model there, size."""
    rival = FORMATS[made.rival] if made.rival else made
    return replace(
        record,
        setting=f"{record.setting}, {made.label}",
        scores=scores,
        value=_main(record, scores),
        speed=[asdict(one) for one in speed],
        measured_on=hardware(environment(), "cpu", runtime=rival.label),
        bytes=bytes_on_disk(folder, WEIGHTS),
        warnings=[],
    )
