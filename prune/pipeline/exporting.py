"""`prune export`: the result of a run in another form, compared with the original and measured in its own runtime."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from prune.compaction import saved_model
from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.inference.formats import FORMATS, WEIGHTS, Format
from prune.inference.needs import check_packages
from prune.measure.environment import environment
from prune.measure.hardware import hardware
from prune.measure.size import bytes_on_disk
from prune.measure.speed import Calls, Speed, time_calls
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.exported_dense import dense_model
from prune.pipeline.serving import ServedModel, batches_of, has_decoder, write_converted
from prune.pipeline.shared_stages import DENSE
from prune.recipes.reproduction import config_of
from prune.results.layout import RECORD, RunFolder, StageFolder
from prune.results.record import Record, record_of
from prune.runtime.screen import Screen

_Scores = dict[str, dict[str, float]]


def export(
    run: RunFolder,
    form: str,
    screen: Screen,
    *,
    evaluate: bool = True,
    measure: bool = True,
    max_loss: float | None = None,
) -> Record | None:
    """Writes the model of a finished run as `form` of FORMATS, once all is well.

    Returns its record, a row of its own in the table; None where it is not to be timed. Scores that are not to be
    computed are those of the original.

    Raises:
        UserError: if the run is not finished, the exported model gives other outputs, or its main metric is worse than
            the original's by more than `max_loss`.
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
    folder = run.exported(form)
    unfinished = folder.with_name(f"{form}.unfinished")
    try:
        exported = write_converted(experiment.examples, model, form, unfinished)
        scores = _scores(experiment, exported, model, unfinished) if scoring else record.scores
        _check_loss(record, scores, max_loss)
        found = None
        if measure:
            speed = _speeds(experiment, record, form, model, exported, unfinished)
            found = _entered(record, made, scores, speed, unfinished)
            write_at_once(unfinished / RECORD, json.dumps(asdict(found), indent=1) + "\n")
        elif scoring:
            screen.say(f"  scores  {_in_words(record, scores)}")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return found


def _check_loss(record: Record, scores: _Scores, max_loss: float | None) -> None:
    """Raises UserError if the main metric is worse than the original's by more than `max_loss`."""
    spec = record.spec
    lost = spec.gain(record.value) - spec.gain(_main(record, scores))
    if max_loss is not None and lost > max_loss:
        raise UserError(f"max_loss={max_loss:g}: {_in_words(record, scores)}; nothing was written")


def _scores(experiment: Experiment, exported: Any, model: PreTrainedModel, folder: Path) -> _Scores:
    """Those of the exported model, whose predictions go into `folder`."""
    called: Any = ServedModel(exported, model.config, experiment.examples.task)
    return experiment.examples.scores(called, StageFolder(folder), DENSE.folder(experiment.config))


def _in_words(record: Record, scores: _Scores) -> str:
    """The main metric beside that of the original."""
    here, there = (record.spec.format_value(one) for one in (_main(record, scores), record.value))
    return f"{record.metric} {here}, the original's {there}"


def _main(record: Record, scores: _Scores) -> float:
    return next(iter(scores.values()))[record.metric]


def _speeds(
    experiment: Experiment, record: Record, form: str, model: PreTrainedModel, exported: Any, folder: Path
) -> list[Speed]:
    """Against the dense model in the same runtime, and in PyTorch, on batches as the run was measured on."""
    made, settings = FORMATS[form], experiment.config.evaluate.speed
    with_decoder = has_decoder(model)
    calls = Calls(
        dense_model(made.rival or form, experiment, with_decoder=with_decoder),
        exported if made.opened is None else made.opened(folder, "float32"),
        experiment.networks.dense(DENSE.folder(experiment.config)).eval(),
    )
    batches = batches_of(experiment.examples, settings, with_decoder=with_decoder)
    return [
        time_calls(calls, of_size, torch.device("cpu"), settings.pairs, known["speedup_theoretical"])
        for of_size, known in zip(batches, record.speed, strict=True)
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
