"""How long a training step of the unpruned model takes here."""

from __future__ import annotations

import statistics
from functools import partial

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import set_seed

from prune.config.schema import Config
from prune.data.features import LENGTH, inputs_only
from prune.measure.speed import seconds, speed_device
from prune.pipeline.examples import Examples
from prune.pipeline.networks import Networks
from prune.training.distillation import TrainingData
from prune.training.loss import minimising
from prune.training.used_rows import used_rows

_BATCHES, _REPEATS = 5, 2
"""So many training batches are timed, the first times to warm up."""


def seconds_per_step(config: Config, networks: Networks, examples: Examples) -> float:
    """Mean time of one training step of the unpruned model, on batches of short, middle and long texts."""
    set_seed(config.seed)
    device = speed_device("auto")
    model = networks.fresh().to(device).train()  # type: ignore[arg-type]

    def one_step(batch: dict[str, Tensor]) -> None:
        model(**{name: values.to(device) for name, values in batch.items()})["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()

    loss = examples.task.saliency_loss  # of every task, also where a teacher is all that is learned from
    with (
        used_rows(model, TrainingData(examples.training).ids, config.schedule.weight_decay),
        minimising(loss, model),
    ):
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=True)
        times = [
            [seconds(device, partial(one_step, batch)) for _ in range(_REPEATS)]
            for batch in _typical_batches(examples, config.schedule.batch_size)
        ]
    return statistics.mean(min(of_batch) for of_batch in times)


def _typical_batches(examples: Examples, size: int) -> DataLoader[dict[str, Tensor]]:
    """Batches of similar length, as training has them, evenly spread over the lengths that there are."""
    features = examples.training
    by_length = sorted(range(len(features)), key=features[LENGTH][:].__getitem__)
    starts = [int((len(features) - size) * (part + 0.5) / _BATCHES) for part in range(_BATCHES)]
    rows = [row for start in starts for row in by_length[max(0, start) :][:size]]
    return DataLoader(inputs_only(features.select(rows)), batch_size=size, collate_fn=examples.collator)
