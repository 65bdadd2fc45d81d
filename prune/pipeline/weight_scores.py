"""Scores of single weights of a run's model, and which of them a density keeps."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.criteria.weight_saliency import Batches, WeightSaliency
from prune.masking.choice import keep_highest
from prune.masking.fixed_masks import FixedMasks, set_to_zero
from prune.measure.speed import speed_device
from prune.models.sublayers import Matrix
from prune.pipeline.experiment import Experiment
from prune.runtime import registry
from prune.runtime.progress_bar import track
from prune.training.loss import minimising

_EAGER = "eager"


def choose_weights(
    experiment: Experiment,
    model: PreTrainedModel,
    matrices: Mapping[str, Matrix],
    masks: FixedMasks,
    density: float,
    iterations: int | None = 1,
    *,
    inverted: bool = False,
) -> FixedMasks:
    """The masks that leave a `density` of all weights, of those that `masks` have left, by the method's criterion.

    `iterations`: in so many steps; None: as the criterion's authors have it. `inverted`: the best go, not the worst.
    """
    saliency: WeightSaliency = registry.module("weight_saliencies", experiment.config.method.criterion).WEIGHT_SALIENCY
    model = copy.deepcopy(model).eval().requires_grad_(False).to(speed_device("auto"))
    for matrix in matrices.values():
        model.base_model.get_submodule(matrix.module).weight.requires_grad_()
    if saliency.needs_second_derivatives and model.config._attn_implementation != _EAGER:
        experiment.screen.say(
            f"          {experiment.config.method.criterion}: attention as attn_implementation={_EAGER}"
        )
        model.set_attn_implementation(_EAGER)
    batches = _batches(experiment, saliency, model)
    with minimising(experiment.examples.task.saliency_loss, model):
        chosen = choose(saliency, model, matrices, batches, masks, density, iterations, inverted=inverted)
    return {name: mask.cpu() for name, mask in chosen.items()}


def choose(
    saliency: WeightSaliency,
    model: PreTrainedModel,
    matrices: Mapping[str, Matrix],
    batches: Batches,
    masks: FixedMasks,
    density: float,
    iterations: int | None = None,
    *,
    inverted: bool = False,
) -> FixedMasks:
    """As `choose_weights`, by a saliency. What is removed is set to zero in `model`.

    The density falls exponentially from step to step (Tanaka et al. 2020, algorithm 1).
    """
    number = iterations or saliency.iterations
    start = float(sum(mask.sum() for mask in masks.values()) / sum(mask.numel() for mask in masks.values()))
    for step in track(range(1, number + 1), "scoring weights", number):
        set_to_zero(model.base_model, matrices, masks)
        scores = saliency.score(model, matrices, batches)
        masks = keep_highest(_of_those_left(scores, masks, inverted), start * (density / start) ** (step / number))
    return masks


def _of_those_left(scores: Mapping[str, Tensor], masks: FixedMasks, inverted: bool) -> dict[str, Tensor]:
    return {
        name: (-values if inverted else values).masked_fill(~masks[name].to(values.device), -torch.inf)
        for name, values in scores.items()
    }


def _batches(experiment: Experiment, saliency: WeightSaliency, model: PreTrainedModel) -> Batches:
    if not saliency.needs_examples:
        return []
    return list(experiment.examples.sample_of_each_label(experiment.config.method.examples_per_class, model.device))
