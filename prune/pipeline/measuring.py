"""Speed against the dense model: at the end of a run, and measured anew for a finished one."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from transformers import PreTrainedModel

from prune.config.schema import Config
from prune.errors import UserError
from prune.measure.environment import environment
from prune.measure.generation import GenerationSpeed, measure_generation
from prune.measure.hardware import hardware
from prune.measure.speed import batch_of, measure_speed, padded_length
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.shared_stages import DENSE
from prune.results.layout import RunFolder
from prune.results.record import Record
from prune.results.remarks import remarks_on
from prune.runtime.screen import Screen


def measured(experiment: Experiment, dense: PreTrainedModel, model: PreTrainedModel) -> dict[str, Any]:
    """What a record says of the speed of `model`, and what it was measured on."""
    speed, examples = experiment.config.evaluate.speed, experiment.examples
    found = measure_speed(dense, model, examples.evaluation, examples.tokenizer, speed)
    return {
        "speed": [asdict(one) for one in found],
        "generation": [asdict(one) for one in _generation_speeds(experiment, dense, model)],
        "measured_on": hardware(environment(), speed.device, speed.dtype),
    }


def measure_again(config: Config, run: RunFolder, record: Record, screen: Screen) -> Record:
    """The record of a finished run with its speed measured now, as `config` says; nothing is written.

    Raises:
        UserError: if its dense model is gone.
    """
    dense = DENSE.folder(config)
    if not dense.model.is_dir():
        raise UserError(
            f"{dense.path}: the unpruned model is gone; the command of the run with force=true makes it again"
        )
    experiment = prepare(config, run, screen)
    screen.stage("evaluate", "speed against the dense model")
    networks = experiment.networks
    found = replace(record, **measured(experiment, networks.dense(dense), networks.pruned(run.model)))
    return replace(found, warnings=[*experiment.examples.task.remarks, *remarks_on(found)])


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
