"""The importance of a fine-tuned model's heads and dimensions, from training examples."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.compaction.compact import compact
from prune.criteria.saliency import Saliency
from prune.models.sublayers import Sublayer, smaller
from prune.pipeline.experiment import Experiment
from prune.runtime import registry
from prune.runtime.progress_bar import track
from prune.runtime.wording import counted
from prune.training.loss import minimising


def importance_of(experiment: Experiment, model: PreTrainedModel, criterion: str = "fisher") -> dict[str, Tensor]:
    """The importance of all units of a fine-tuned `model` by a saliency, from as many examples as the method asks for.

    Units of zeros are removed from `model`, in place.
    """
    method, examples, networks = experiment.config.method, experiment.examples, experiment.networks
    saliency = registry.module("saliencies", criterion).SALIENCY
    number = min(method.importance_examples, len(examples.training))
    experiment.screen.stage("prune", f"{method.name}: importance of units, from {counted(number, 'example')}")
    batches = list(examples.sample(number, model.device))
    with minimising(examples.task.saliency_loss, model):
        return importance(saliency, model, networks.sublayers, batches, networks.first_token_only)


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
    remaining = smaller(sublayers, kept)
    scores = {s.name: torch.zeros(s.num_units) for s in sublayers}
    if remaining:
        for name, values in saliency.score(model, remaining, track(batches, "importance", len(batches))).items():
            scores[name][list(kept[name])] = values
    return scores
