"""Weights scored and removed before they are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedModel, set_seed

from prune.config.schema import Control
from prune.config.targets import target_of
from prune.masking.fixed_masks import FixedMasks
from prune.pipeline.experiment import Experiment
from prune.pipeline.sparse_training import (
    all_kept,
    pruned_matrices,
    train_sparse,
    weights_at,
    weights_under_mask,
    with_control,
)
from prune.pipeline.weight_scores import choose_weights
from prune.results.layout import StageFolder
from prune.runtime import distributed


def remove_and_train(experiment: Experiment, folder: StageFolder, early: StageFolder | None) -> Mapping[str, Any]:
    """Leaves the trained model in `folder`; returns its scores before that.

    `early`: the stage with the weights that are scored; None: those that the dense model's training begins at.
    """
    method = experiment.config.method
    experiment.screen.stage("prune", f"{method.name}: {experiment.setting}")
    scored = weights_at(experiment, early)
    set_seed(experiment.config.seed)
    masks = distributed.broadcast_from_main(lambda: with_control(experiment, _choose(experiment, scored)))
    model = weights_under_mask(experiment, early)
    return train_sparse(experiment, folder, model, masks, experiment.learning.settings.prune)


def _choose(experiment: Experiment, model: PreTrainedModel) -> FixedMasks:
    config, matrices = experiment.config, pruned_matrices(experiment, model)
    target = target_of(config)
    assert target is not None
    return choose_weights(
        experiment, model, matrices, all_kept(matrices), target.value, config.method.iterations,
        inverted=config.method.control is Control.inverted,
    )  # fmt: skip
