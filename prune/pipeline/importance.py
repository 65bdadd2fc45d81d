"""What the heads and dimensions of a fine-tuned model are worth: the Fisher information of a gate on each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune.compaction.compact import compact
from prune.data.features import LENGTH, inputs_only
from prune.masking.gates import gated
from prune.models.sublayers import Sublayer, smaller
from prune.runtime.progress_bar import track

if TYPE_CHECKING:
    from prune.pipeline.context import Experiment


def importance_of(experiment: Experiment, model: PreTrainedModel) -> dict[str, Tensor]:
    """The importance of all units of a fine-tuned `model`, from the training examples that the method asks for.

    Its units of zeros are removed, in place.
    """
    number = min(experiment.config.method.importance_examples, len(experiment.training_features))
    experiment.screen.stage("prune", f"{experiment.config.method.name}: importance of units, from {number} examples")
    batches = list(examples(experiment, number, model.device))
    return importance(model, experiment.sublayers, batches, experiment.first_token_only)


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


def examples(experiment: Experiment, number: int, device: torch.device) -> Iterator[dict[str, Tensor]]:
    """Batches of so many training examples, or all, chosen by the seed, those of similar length together."""
    number = min(number, len(experiment.training_features))
    rows = experiment.training_features.shuffle(seed=experiment.config.seed).select(range(number))
    rows = rows.select(sorted(range(number), key=rows[LENGTH].__getitem__))
    loader = DataLoader(
        inputs_only(rows),
        batch_size=experiment.config.schedule.batch_size,
        collate_fn=experiment.task.collator(experiment.tokenizer),
    )
    for batch in loader:
        yield {name: values.to(device) for name, values in batch.items()}
