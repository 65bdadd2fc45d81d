"""One shot: no training to prune. Importance of all heads and dimensions at once, a choice under the target, a refit.

After Kwon et al. 2022 (A Fast Post-Training Pruning Framework for Transformers), with the choice made exactly, over all
sublayers together, and with whole sublayers allowed to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune import models
from prune.features import LENGTH, inputs_only
from prune.masking.gates import gated
from prune.measure.speed import speed_device
from prune.methods import Pruned
from prune.progress import track
from prune.shrink.refit import refit
from prune.sublayers import Sublayer

if TYPE_CHECKING:
    from prune.outputs import StageFolder
    from prune.preparation import Experiment

_IMPORTANCE = "importance.safetensors"


def prune(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> None:
    """Leaves in `stage` the importance of all units of the dense model, whatever the target."""
    number = min(experiment.config.method.importance_examples, len(experiment.training_features))
    experiment.screen.stage("prune", f"{experiment.config.method.name}: importance of units, from {number} examples")
    model = _start(experiment, dense)
    found = importance(model, experiment.sublayers, list(_batches(experiment, number, model.device)))
    stage.model.mkdir(parents=True, exist_ok=True)
    save_file(found, stage.model / _IMPORTANCE)


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> Pruned:
    """The dense model with zeros for all units that the target leaves no room for, and refitted output matrices."""
    method = experiment.config.method
    kept = experiment.goal.choose(load_file(stage.model / _IMPORTANCE))
    model, original = _start(experiment, dense), _start(experiment, dense)
    batches = list(_batches(experiment, min(method.refit_examples, len(experiment.training_features)), model.device))
    refit(model, original, experiment.sublayers, kept, batches)
    model.cpu()
    return Pruned(model, experiment.proof_outputs(model))


def importance(
    model: PreTrainedModel, sublayers: list[Sublayer], batches: list[dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Name of each sublayer -> Fisher information of its units (units,), the mean over the examples of `batches`."""
    model.eval().requires_grad_(False)
    total = {s.name: torch.zeros(s.num_units) for s in sublayers}
    examples = 0
    with gated(model.base_model, sublayers) as gates:
        for batch in track(batches, "importance", len(batches)):
            size = len(batch["input_ids"])
            (model(**batch).loss * size).backward()  # the loss is the mean over the batch
            for name, of_sublayer in gates.items():
                total[name] += of_sublayer.take_squares().cpu()
            examples += size
    return {name: values / examples for name, values in total.items()}


def _start(experiment: Experiment, dense: StageFolder) -> PreTrainedModel:
    model = models.finished_model(str(dense.model), experiment.task.auto_class)
    result: PreTrainedModel = model.eval().to(speed_device("auto"))
    return result


def _batches(experiment: Experiment, number: int, device: torch.device) -> Iterator[dict[str, Tensor]]:
    """So many training examples, chosen by the seed, those of similar length together."""
    rows = experiment.training_features.shuffle(seed=experiment.config.seed).select(range(number))
    rows = rows.select(sorted(range(number), key=rows[LENGTH].__getitem__))
    loader = DataLoader(
        inputs_only(rows),
        batch_size=experiment.config.schedule.batch_size,
        collate_fn=experiment.task.collator(experiment.tokenizer),
    )
    for batch in loader:
        yield {name: values.to(device) for name, values in batch.items()}
