"""What the heads and dimensions of a fine-tuned model are worth: the Fisher information of a gate on each."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.compaction.compact import compact
from prune.masking.gates import gated
from prune.models.sublayers import Sublayer, smaller
from prune.pipeline.experiment import Experiment
from prune.runtime.progress_bar import track


def importance_of(experiment: Experiment, model: PreTrainedModel) -> dict[str, Tensor]:
    """The importance of all units of a fine-tuned `model`, from the training examples that the method asks for.

    Its units of zeros are removed, in place.
    """
    examples, networks = experiment.examples, experiment.networks
    number = min(experiment.config.method.importance_examples, len(examples.training))
    experiment.screen.stage("prune", f"{experiment.config.method.name}: importance of units, from {number} examples")
    batches = list(examples.sample(number, model.device))
    return importance(model, networks.sublayers, batches, networks.first_token_only)


def importance(
    model: PreTrainedModel, sublayers: list[Sublayer], batches: list[dict[str, Tensor]], first_token_only: bool = False
) -> dict[str, Tensor]:
    """Name of each sublayer -> Fisher information of its units (units,), the mean over the examples of `batches`.

    Units of zeros have none. They are removed from `model`, in place: zeros take as long as other numbers; and so are
    tokens that nothing reads, with `first_token_only`.
    """
    model.eval().requires_grad_(False)
    kept = compact(model, sublayers, first_token_only=first_token_only).kept
    left = smaller(sublayers, kept)
    total = {s.name: torch.zeros(s.num_units) for s in left}
    number = 0
    with gated(model.base_model, left) as gates:
        for batch in track(batches, "importance", len(batches)) if left else ():
            size = len(batch["input_ids"])
            (model(**batch).loss * size).backward()  # the loss is the mean over the batch
            for name, of_sublayer in gates.items():
                total[name] += of_sublayer.take_squares().cpu()
            number += size
    found = {s.name: torch.zeros(s.num_units) for s in sublayers}
    for name, values in total.items():
        found[name][list(kept[name])] = values / number
    return found
