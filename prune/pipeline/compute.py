"""What the trainings of a run compute, and how many steps of the dense model's a budget allows."""

from __future__ import annotations

import json

import torch
from datasets import Dataset
from transformers import PreTrainedModel

from prune.config.schema import Config
from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.measure.compute import forward_cost, reads_labels, step_cost
from prune.pipeline.examples import Examples
from prune.pipeline.networks import Networks
from prune.pipeline.step_time import seconds_per_step
from prune.results.layout import steps_file
from prune.runtime import distributed
from prune.training.compute import Compute, flops_of_pass, lengths_of
from prune.training.distillation import Teacher
from prune.training.trainer import Training


def compute_of(
    model: PreTrainedModel, features: Dataset, training: Training, teacher: Teacher | None = None, texts: int = 1
) -> Compute:
    """Of a `training` of `model` on `features`, of so many texts each; a teacher that is asked at every step is part of
    it."""
    cost = step_cost(model) if teacher is None else step_cost(model) + forward_cost(teacher.model)
    lengths = lengths_of(features, with_labels=reads_labels(model))
    return Compute(cost, lengths, training.batch_size, training.seed, texts)


def flops_of_answers(teacher: PreTrainedModel, examples: Examples) -> float:
    """Floating-point operations of a teacher's answers to all training examples, each given once."""
    lengths = lengths_of(examples.training, with_labels=reads_labels(teacher))
    return flops_of_pass(forward_cost(teacher), lengths, examples.config.schedule.eval_batch_size)


def steps_within_budget(config: Config, networks: Networks, examples: Examples, training: Training) -> int:
    """How many steps of the dense model's `training` its budget allows.

    What a time allows is settled when it is first asked for, and kept beside the dense model: a training that is taken
    up again goes on with the same number.

    Raises:
        UserError: if the budget allows none.
    """
    if (flops := config.schedule.budget_flops) is not None:
        with torch.random.fork_rng():
            model = networks.random()
        texts = examples.task.texts_per_example
        return compute_of(model, examples.training, training, texts=texts).steps_within(flops)
    return distributed.broadcast_from_main(lambda: _steps_within_time(config, networks, examples))


def _steps_within_time(config: Config, networks: Networks, examples: Examples) -> int:
    file, budget = steps_file(config), config.schedule.budget_seconds
    assert budget is not None
    if not file.exists():
        seconds = seconds_per_step(config, networks, examples)
        if seconds > budget:
            raise UserError(
                f"schedule.budget_seconds={budget:g}: a step of the dense model's training takes {seconds:.3g} s here; "
                "allow more"
            )
        write_at_once(file, json.dumps({"steps": int(budget / seconds), "seconds_per_step": seconds}) + "\n")
    return int(json.loads(file.read_text("utf-8"))["steps"])
