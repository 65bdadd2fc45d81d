"""One round: what is removed, where the weights that are left go back to, and their training."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, set_seed

from prune.config.schema import Control
from prune.masking.choice import Choice, keep_units
from prune.masking.fixed_masks import FixedMasks, masks_of_units
from prune.measure.speed import speed_device
from prune.methods.lottery_ticket.settings import NOWHERE, density_after, keeps_weights, prunes_units
from prune.models.sublayers import Sublayer
from prune.models.units import by_unit
from prune.pipeline import sparse_settings
from prune.pipeline.experiment import Experiment
from prune.pipeline.importance import importance_of
from prune.pipeline.sparse_training import (
    masks_in,
    pruned_matrices,
    pruned_sublayers,
    train_sparse,
    weights_under_mask,
    with_control,
)
from prune.pipeline.weight_scores import choose_weights
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.training.trainer import Training

_FINE_TUNING = 0.1
"""Of the learning rate, where weights are not rewound: the dense training has ended with next to none."""


def train_round(
    experiment: Experiment,
    folder: StageFolder,
    number: int,
    rewound: StageFolder | None,
    latest: StageFolder,
    *,
    changed: bool,
) -> Mapping[str, Any]:
    """Leaves the ticket of a round in `folder`; returns its scores before it was trained.

    Args:
        rewound: The stage that the weights go back to; None where the settings name no such stage.
        latest: The stage with the model that was trained last.
        changed: Whether the method's control takes effect in this round.
    """
    own = experiment if changed else _without_control(experiment)
    config, density = own.config, density_after(own.config, number)
    control = sparse_settings.with_control(f"density {density:g}", config)
    experiment.screen.stage("prune", f"{config.method.name}: round {number}, {control}")
    trained = experiment.networks.dense(latest)
    set_seed(config.seed)
    masks = distributed.broadcast_from_main(lambda: _choose(own, trained, density))
    return train_sparse(own, folder, _begin(own, rewound, trained), masks, _training(own, number))


def _without_control(experiment: Experiment) -> Experiment:
    method = replace(experiment.config.method, control=Control.none)
    return replace(experiment, config=replace(experiment.config, method=method))


def _begin(experiment: Experiment, rewound: StageFolder | None, trained: PreTrainedModel) -> PreTrainedModel:
    """The model that the training of a round begins with."""
    config = experiment.config
    if keeps_weights(config) and config.method.control is not Control.reinitialised:
        return trained
    return weights_under_mask(experiment, rewound)


def _training(experiment: Experiment, number: int) -> Training:
    training = replace(experiment.learning.settings.prune, name=f"round_{number}")
    if experiment.config.method.rewind != NOWHERE:
        return training
    return replace(training, learning_rate=_FINE_TUNING * training.learning_rate, warmup=0)


def _choose(experiment: Experiment, trained: PreTrainedModel, density: float) -> FixedMasks:
    """The masks of a round, of what the trained model has left."""
    left = masks_in(experiment, trained)
    inverted = experiment.config.method.control is Control.inverted
    if prunes_units(experiment.config):
        kept = with_control(experiment, _choose_units(experiment, trained, density, inverted=inverted))
        return left | masks_of_units(pruned_sublayers(experiment), kept)
    matrices = pruned_matrices(experiment, trained)
    return with_control(experiment, choose_weights(experiment, trained, matrices, left, density, inverted=inverted))


def _choose_units(experiment: Experiment, trained: PreTrainedModel, density: float, *, inverted: bool) -> Choice:
    sublayers, sites = pruned_sublayers(experiment), experiment.config.method
    criterion = next(site.criterion for site in (sites.attention, sites.feed_forward) if not site.stays)
    model = copy.deepcopy(trained).to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
    importance = importance_of(experiment, model, criterion)
    sign = -1 if inverted else 1
    scores = {s.name: (sign * importance[s.name]).masked_fill(~_left(trained, s), -torch.inf) for s in sublayers}
    return keep_units(scores, {s.name: s.weights_per_unit for s in sublayers}, density)


def _left(model: PreTrainedModel, sublayer: Sublayer) -> Tensor:
    """Which units a model has left (units,)."""
    columns = sublayer.output.weight(model.base_model).detach().abs().amax(0, keepdim=True)
    return by_unit(sublayer.output, columns)[0].amax(1) > 0
