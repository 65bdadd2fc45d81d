"""Speed against the dense model: at the end of a run, and measured anew for a finished one."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from prune.config.schema import Config
from prune.errors import UserError
from prune.inference.runtimes import Serving, label_of
from prune.measure.environment import environment
from prune.measure.generation import GenerationSpeed, measure_generation
from prune.measure.hardware import hardware
from prune.measure.speed import Calls, batch_of, measure_speed, padded_length, speed_batches
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.exported_dense import dense_model
from prune.pipeline.serving import has_decoder, serving_of
from prune.pipeline.shared_stages import DENSE
from prune.results.layout import RunFolder, StageFolder
from prune.results.record import Record
from prune.results.remarks import remarks_on
from prune.runtime.screen import Screen


def measured(
    experiment: Experiment, dense: PreTrainedModel, model: PreTrainedModel, written: Path | None = None
) -> dict[str, Any]:
    """What a record says of the speed of `model`, and what it was measured on.

    `written`: where it lies converted for its runtime, if it does.
    """
    speed, examples = experiment.config.evaluate.speed, experiment.examples
    serving = serving_of(experiment.config, examples, with_decoder=has_decoder(model))
    calls = _calls(experiment, serving, dense, model, written)
    batches = speed_batches(
        examples.evaluation, examples.tokenizer, speed, serving.device, with_decoder=has_decoder(model)
    )
    found = measure_speed(dense, model, calls, batches, speed.pairs)
    return {
        "speed": [asdict(one) for one in found],
        "generation": [asdict(one) for one in _generation_speeds(experiment, dense, model)],
        "measured_on": hardware(environment(), serving.device.type, speed.dtype, label_of(serving.rival)),
    }


def _calls(
    experiment: Experiment, serving: Serving, dense: PreTrainedModel, model: PreTrainedModel, written: Path | None
) -> Calls:
    for one in (dense, model):
        one.eval().to(serving.device)
    eager = None if serving.is_plain else serving.eager(dense)
    if serving.format is None:
        return Calls(serving.of(dense), serving.of(model), eager)
    dtype, with_decoder = experiment.config.evaluate.speed.dtype, has_decoder(model)
    rival = dense_model(serving.rival.value, experiment, with_decoder=with_decoder, dtype=dtype)
    served = serving.of(model) if written is None else serving.opened(written)
    return Calls(rival, served, eager)


def measure_again(config: Config, run: RunFolder, record: Record, screen: Screen) -> Record:
    """The record of a finished run with its speed measured now, as `config` says; nothing is written.

    Raises:
        UserError: if its dense model is gone.
    """
    dense = kept_dense(config)
    experiment = prepare(config, run, screen)
    screen.stage("evaluate", "speed against the dense model")
    networks = experiment.networks
    found = replace(record, **measured(experiment, networks.dense(dense), networks.pruned(run.model)))
    return replace(found, warnings=[*experiment.examples.task.remarks, *remarks_on(found)])


def kept_dense(config: Config) -> StageFolder:
    """The folder of the unpruned model of a finished run.

    Raises:
        UserError: if it is gone.
    """
    dense = DENSE.folder(config)
    if not dense.model.is_dir():
        raise UserError(
            f"{dense.path}: the unpruned model is gone; the command of the run with force=true makes it again"
        )
    return dense


def _generation_speeds(experiment: Experiment, dense: PreTrainedModel, model: PreTrainedModel) -> list[GenerationSpeed]:
    """Nothing where the task's answers are no generated texts."""
    settings, config = experiment.examples.task.generation(), experiment.config.evaluate.speed
    if not settings:
        return []
    features, device = experiment.examples.evaluation, model.device
    length = padded_length(features, config)
    return [
        measure_generation(
            dense,
            model,
            batch_of(features, experiment.examples.tokenizer, size, length, device),
            settings,
            config.generated_length,
            config.generation_pairs,
        )
        for size in config.generation_batch_sizes
    ]
