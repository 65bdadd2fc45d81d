"""Compaction as a stage: what a method has emptied is removed, and shown to be exact before anything is saved."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedModel

from prune.budget.shape import Shape
from prune.compaction import saved_model
from prune.compaction.compact import compact, prove_equal
from prune.compaction.structure import Structure
from prune.config.schema import Finish
from prune.config.targets import target_of
from prune.errors import UserError
from prune.measure import size
from prune.models.units import all_units
from prune.pipeline.experiment import Experiment
from prune.pipeline.stages import saving
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.tasks.base import Outputs


@dataclass(frozen=True)
class Selection:
    """What a method has selected: a model whose other units hold zeros only."""

    model: PreTrainedModel
    """Of the dense model's shape."""
    outputs: Outputs
    """Its outputs on real examples, which compaction must not change."""
    padding: Mapping[str, int] = field(default_factory=dict)
    """Site -> units that stay for a rounder width."""
    shapes: Sequence[Shape] = ()
    """After each step of the selection, where a shape can be asked for again."""


Select = Callable[..., Selection | None]


def compact_selected(
    experiment: Experiment, folder: StageFolder, select: Select, inputs: Sequence[StageFolder]
) -> Mapping[str, Any]:
    """Leaves the compact model in `folder`; returns its density, and how little its outputs changed."""
    experiment.screen.stage("compact", "removing empty heads and dimensions")
    selection = select(experiment, *inputs)

    def keep() -> Mapping[str, Any]:
        assert selection is not None
        return _compacted(experiment, selection, folder)

    return distributed.broadcast_from_main(keep)


def _compacted(experiment: Experiment, selection: Selection, folder: StageFolder) -> Mapping[str, Any]:
    model, networks, examples = selection.model, experiment.networks, experiment.examples
    weights = size.num_nonzero(model.base_model, networks.sublayers)
    density = weights / size.num_prunable(networks.dense_sublayers)
    if not networks.pooling:  # which has an effect whatever units are removed
        _check_effect(experiment, density)
    whole = copy.deepcopy(model)
    structure = _remove(experiment, model)
    difference = _proven(experiment, selection.outputs, whole, model)
    if networks.pooling:
        structure = structure.pool(model, networks.pooling, networks.sublayers)
    with saving(model, folder):
        saved_model.save(model, structure, examples.tokenizer, folder.model)
        examples.task.save(model, folder.model)
    return {
        "density": density,
        "largest_logit_difference": difference,
        "spared": dict(selection.padding),
        "shapes": selection.shapes,
    }


def _remove(experiment: Experiment, model: PreTrainedModel) -> Structure:
    networks = experiment.networks
    if experiment.config.method.finish is Finish.fold:
        return Structure(model.config.model_type, all_units(networks.sublayers), networks.depth)
    return compact(model, networks.sublayers, networks.depth, networks.first_token_only)


def _proven(experiment: Experiment, before: Outputs, whole: PreTrainedModel, compacted: PreTrainedModel) -> float:
    """How little the outputs changed, `before` being those of `whole` as its method made it."""
    examples = experiment.examples

    def in_double() -> tuple[Outputs, Outputs]:
        first, second = (examples.proof_outputs(copy.deepcopy(one).double()) for one in (whole, compacted))
        return first, second

    return prove_equal(before, examples.proof_outputs(compacted), examples.task.distilled, in_double)


def _check_effect(experiment: Experiment, density: float) -> None:
    """Raises UserError where everything is left."""
    if density < 1.0:
        return
    setting = experiment.setting
    if (target := target_of(experiment.config)) is not None:
        advice = f"ask for more with target.{target.kind}"
    else:
        advice = "raise method.penalty, or train longer" if "penalty" in setting else "lower method.density"
    raise UserError(f"{experiment.config.method.name} removed nothing at {setting}: {advice}")
