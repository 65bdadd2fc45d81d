"""The importance of a fine-tuned model's heads and dimensions, from training examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune.compaction.compact import compact
from prune.config.targets import ONE_SHOT
from prune.criteria.saliency import Saliency
from prune.data.features import LENGTH, inputs_only
from prune.models.sublayers import Sublayer, smaller
from prune.runtime import registry
from prune.runtime.progress_bar import track

if TYPE_CHECKING:
    from prune.pipeline.context import Experiment


def importance_of(experiment: Experiment, model: PreTrainedModel) -> dict[str, Tensor]:
    """The importance of all units of a fine-tuned `model`, from the training examples that the method asks for.

    Method one_shot names the saliency; scores of masks start from Fisher information. Units of zeros are removed from
    `model`, in place.
    """
    method = experiment.config.method
    saliency = registry.module("saliencies", method.attention.criterion if method.kind == ONE_SHOT else "fisher")
    number = min(method.importance_examples, len(experiment.training_features))
    experiment.screen.stage("prune", f"{method.name}: importance of units, from {number} examples")
    batches = list(examples(experiment, number, model.device))
    return importance(saliency.SALIENCY, model, experiment.sublayers, batches, experiment.first_token_only)


def importance(
    saliency: Saliency,
    model: PreTrainedModel,
    sublayers: list[Sublayer],
    batches: list[dict[str, Tensor]],
    first_token_only: bool = False,
) -> dict[str, Tensor]:
    """Name of each sublayer -> saliency of its units (units,), from the examples of `batches`.

    Units of zeros have none. They are removed from `model`, in place: zeros take as long as other numbers; and so are
    tokens that nothing reads, with `first_token_only`.
    """
    model.eval().requires_grad_(False)
    kept = compact(model, sublayers, first_token_only=first_token_only).kept
    left = smaller(sublayers, kept)
    found = {s.name: torch.zeros(s.num_units) for s in sublayers}
    if left:
        for name, values in saliency.score(model, left, track(batches, "importance", len(batches))).items():
            found[name][list(kept[name])] = values
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
