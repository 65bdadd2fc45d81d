"""The mask of another run, and training under it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from prune.compaction import saved_model
from prune.compaction.structure import Structure, is_pruned
from prune.config.schema import Config
from prune.errors import UserError
from prune.masking.fixed_masks import FixedMasks, named_matrices
from prune.methods.fixed_mask.source import model_folder
from prune.models import loading
from prune.models.architecture import pooler_of, skeleton, sublayers_of
from prune.models.sublayers import Matrix, Sublayer
from prune.models.units import all_units, features_of
from prune.models.weights import shape_text
from prune.pipeline.experiment import Experiment
from prune.pipeline.sparse_training import pruned_sublayers, train_sparse, weights_under_mask, with_control
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.runtime.sanitize import shown

_OPTION = "method.mask"


def train(experiment: Experiment, folder: StageFolder) -> Mapping[str, Any]:
    """Leaves in `folder` the model that is trained under the mask; returns its scores before that."""
    experiment.screen.stage("prune", f"{experiment.config.method.name}: {experiment.setting}")
    given = distributed.broadcast_from_main(lambda: mask_of_run(experiment))
    model, masks = weights_under_mask(experiment, None), with_control(experiment, given)
    report = train_sparse(experiment, folder, model, masks, experiment.learning.settings.prune)
    return {**report, "mask": digest_of(given)}


def digest_of(masks: FixedMasks) -> str:
    """A hash of masks."""
    found = hashlib.sha256()
    for name, mask in sorted(masks.items()):
        found.update(name.encode() + np.packbits(mask.numpy()).tobytes())
    return found.hexdigest()[:16]


def mask_of_run(experiment: Experiment) -> FixedMasks:
    """The zeros, and the units that are gone, of the model that `method.mask` names.

    Raises:
        UserError: if it has none, has another shape, or cannot be read.
    """
    named, method = experiment.config.method.mask, experiment.config.method
    folder = model_folder(named)
    assert folder is not None, "the config was not checked"
    if (problem := mismatch(experiment.config, folder)) is not None:
        raise UserError(problem)
    model, kept = _model_in(folder, pruned_sublayers(experiment))
    masks = {
        name: _mask(matrix, kept[sublayer.name], model)
        for sublayer in pruned_sublayers(experiment)
        for name, matrix in named_matrices([sublayer]).items()
    }
    if method.pooler:
        if (pooler := pooler_of(model)) is None:
            raise UserError(f"method.pooler=true: the model of {_OPTION}={shown(named)} has no pooler; say false")
        masks[pooler.module] = pooler.weight(model.base_model).detach() != 0
    if all(bool(mask.all()) for mask in masks.values()):
        raise UserError(f"{_OPTION}={shown(named)}: its model has no zeros, and has lost no units; name a pruned one")
    return masks


def _model_in(folder: Path, sublayers: list[Sublayer]) -> tuple[PreTrainedModel, Mapping[str, tuple[int, ...]]]:
    """A model, and the units that it has left."""
    if is_pruned(folder):
        return saved_model.load(folder), Structure.read(folder).kept
    return loading.fresh_model(str(folder), "AutoModel", {}), all_units(sublayers)


def _mask(matrix: Matrix, units: tuple[int, ...], model: PreTrainedModel) -> torch.Tensor:
    mask = torch.zeros(matrix.rows, matrix.columns, dtype=torch.bool)
    left = matrix.weight(model.base_model).detach() != 0
    return mask.index_copy_(matrix.unit_axis, features_of(matrix, units), left)


def mismatch(config: Config, folder: Path) -> str | None:
    """Why the mask of the model in `folder` does not fit that of the run; None if it does.

    Raises:
        UserError: if one of them cannot be read.
    """
    mine, theirs = _shapes(loading.config_of_run(config.model)), _shapes(loading.config_of(str(folder)))
    start = f"{_OPTION}={shown(config.method.mask)}: its model is of another shape than model.path={config.model.path}"
    for name, shape in mine.items():
        if theirs.get(name) != shape:
            found = f"{shape_text(theirs[name])} there" if name in theirs else "and is not there"
            return f"{start}: {name} is {shape_text(shape)} here, {found}"
    beyond = sorted(theirs.keys() - mine.keys())
    return f"{start}: {beyond[0]} is there, and not here" if beyond else None


def _shapes(config: PreTrainedConfig) -> dict[str, tuple[int, int]]:
    sublayers = sublayers_of(skeleton(config))
    return {name: (matrix.rows, matrix.columns) for name, matrix in named_matrices(sublayers).items()}
