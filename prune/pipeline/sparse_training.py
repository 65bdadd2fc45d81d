"""Training under a mask that stays as it is: which matrices it is on, where weights begin, and what controls change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel, set_seed

from prune.config.schema import Control
from prune.errors import UserError
from prune.masking.choice import Choice, random_like, shuffled
from prune.masking.fixed_masks import FixedMasks, held, named_matrices, nonzero
from prune.models.architecture import pooler_of, skeleton
from prune.models.permutation import check_permutable, permute_layers
from prune.models.sublayers import Matrix, Sublayer
from prune.pipeline.compacting import Selection
from prune.pipeline.experiment import Experiment
from prune.pipeline.stages import saving
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.training.distillation import TrainingData
from prune.training.trainer import Training

_OTHER_SEED = 2**31
"""Between the seed of a model's first weights and that of those which stand in for them."""


def pruned_sublayers(experiment: Experiment) -> list[Sublayer]:
    """Those of the sites that the method prunes."""
    method = experiment.config.method
    sites = {"attention": method.attention, "feed_forward": method.feed_forward}
    return [sublayer for sublayer in experiment.networks.sublayers if not sites[sublayer.site].stays]


def pruned_matrices(experiment: Experiment, model: PreTrainedModel) -> dict[str, Matrix]:
    """Those that the mask is on, by name."""
    matrices = named_matrices(pruned_sublayers(experiment))
    pooler = pooler_of(model) if experiment.config.method.pooler else None
    return matrices | ({pooler.module: pooler} if pooler is not None else {})


def check_model(experiment: Experiment) -> None:
    """Raises a UserError where there is no pooler to be pruned, or no two layers that could change places."""
    config, networks = experiment.config, experiment.networks
    model = skeleton(networks.dense_config, networks.task.auto_class)
    if config.method.pooler and pooler_of(model) is None:
        name = networks.dense_config.model_type
        raise UserError(f"method.pooler=true: a {name} for {config.task.kind} has no pooler in its encoder; say false")
    if config.method.control is Control.layers_permuted:
        check_permutable(model)


def weights_at(experiment: Experiment, early: StageFolder | None) -> PreTrainedModel:
    """The model with the very weights that the dense model's training began at, or those of `early` in it."""
    set_seed(experiment.config.seed)
    return experiment.networks.fresh() if early is None else experiment.networks.dense(early)


def weights_under_mask(experiment: Experiment, early: StageFolder | None) -> PreTrainedModel:
    """The same, or what the method's control puts in their place: the model that is trained under the mask."""
    config = experiment.config
    if config.method.control is Control.reinitialised:
        set_seed((config.seed + _OTHER_SEED) % 2**32)
        return experiment.networks.random()
    model = weights_at(experiment, early)
    if config.method.control is Control.layers_permuted:
        permute_layers(model, _generator(experiment))
    return model


def with_control(experiment: Experiment, kept: Choice) -> Choice:
    """What the method's control puts in place of a choice."""
    control = experiment.config.method.control
    if control is Control.random:
        return random_like(kept, _generator(experiment))
    return shuffled(kept, _generator(experiment)) if control is Control.shuffled else kept


def _generator(experiment: Experiment) -> torch.Generator:
    return torch.Generator().manual_seed(experiment.config.seed)


def all_kept(matrices: Mapping[str, Matrix]) -> FixedMasks:
    """Masks that remove nothing."""
    return {name: torch.ones(matrix.rows, matrix.columns, dtype=torch.bool) for name, matrix in matrices.items()}


def train_sparse(
    experiment: Experiment, folder: StageFolder, model: PreTrainedModel, masks: FixedMasks, training: Training
) -> dict[str, Any]:
    """Trains `model` under `masks` and leaves it in `folder`; returns its scores before that."""
    examples, learning = experiment.examples, experiment.learning
    with held(model.base_model, pruned_matrices(experiment, model), masks):
        before = distributed.broadcast_from_main(lambda: examples.main_scores(model))
        set_seed(experiment.config.seed)
        learning.train(model, folder, training, TrainingData(learning.as_weighted(examples.training)))

    def keep() -> dict[str, Any]:
        with saving(model, folder):
            model.save_pretrained(folder.model)
        return {"scores_before": before}

    return distributed.broadcast_from_main(keep)


def masks_in(experiment: Experiment, model: PreTrainedModel) -> FixedMasks:
    """The masks that the zeros of `model` are."""
    return nonzero(model.base_model, pruned_matrices(experiment, model))


def trained_model(experiment: Experiment, folder: StageFolder) -> Selection | None:
    """The model that a training under a mask has left in `folder`, on the main process."""

    def trained() -> Selection:
        model = experiment.networks.dense(folder).eval()
        return Selection(model, experiment.examples.proof_outputs(model))

    return distributed.on_main_process(trained)
