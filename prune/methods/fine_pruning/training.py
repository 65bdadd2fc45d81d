"""Training with masks, and the model that it selects."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from transformers import PreTrainedModel, set_seed

from prune.budget.budget import Kept
from prune.budget.shape import counts_of, shape_of
from prune.config.schema import MethodConfig, Scope, SiteConfig, Start
from prune.config.targets import target_of
from prune.masking.attach import attach, fold
from prune.masking.bank import SiteMasking
from prune.masking.budget_controller import BudgetController
from prune.masking.masks import Masks
from prune.measure.speed import speed_device
from prune.models.sublayers import Sublayer
from prune.models.units import all_units
from prune.pipeline.compacting import Selection
from prune.pipeline.experiment import Experiment
from prune.pipeline.importance import importance_of
from prune.pipeline.method import method_of
from prune.pipeline.solving import width_multiple
from prune.pipeline.stages import saving
from prune.results.layout import StageFolder
from prune.runtime import distributed, registry

Importance = Mapping[str, Tensor]
"""Sublayer -> importance of its units."""
_WEIGHTS = "model.safetensors"


def train(experiment: Experiment, folder: StageFolder, dense: StageFolder) -> None:
    """Trains with masks, and with distillation; leaves the weights and the scores in `folder`."""
    config, learning = experiment.config, experiment.learning
    importance = None
    if config.schedule.start_from is Start.one_shot:
        importance = distributed.broadcast_from_main(lambda: _importance_at_start(experiment, dense))
    experiment.screen.stage("prune", f"{config.method.name}, {experiment.setting}: training with masks")
    model, masks = masked_model(experiment, dense, importance)
    training = learning.settings.prune
    learning.train(model, folder, training, learning.data(dense), masks, learning.settings.ramp(training))
    masks.advance(1.0)
    if distributed.is_main_process():
        folder.model.mkdir(parents=True, exist_ok=True)
        with saving(model, folder):
            save_model(model, str(folder.model / _WEIGHTS))


def _importance_at_start(experiment: Experiment, dense: StageFolder) -> Importance:
    start = experiment.networks.start(dense).to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
    return importance_of(experiment, start)


def select(experiment: Experiment, dense: StageFolder, trained: StageFolder) -> Selection | None:
    """The trained model with its masks multiplied in, on the main process."""
    return distributed.on_main_process(lambda: _folded(experiment, dense, trained))


def _folded(experiment: Experiment, dense: StageFolder, trained: StageFolder) -> Selection:
    model, masks = masked_model(experiment, dense)
    load_model(model, trained.model / _WEIGHTS)
    model.eval()  # gates that are drawn in training have their fixed values
    if masks.budget_controller is None or experiment.config.method.shape:
        masks.advance(1.0)
    else:
        _settle(masks, masks.budget_controller, experiment)
    if experiment.config.method.shape:
        counts = counts_of(experiment.config.method.shape[0], experiment.networks.sublayers)
        masks.keep_best(counts)
    padding = masks.pad_widths(width_multiple(experiment.config, experiment.networks, experiment.screen))
    outputs = experiment.examples.proof_outputs(model)
    kept = all_units(experiment.networks.sublayers) | masks.units_left()
    fold(model)
    config = experiment.config
    shapes = [shape_of(kept, experiment.networks.sublayers)] if method_of(config).takes_shape(config) else []
    return Selection(model, outputs, padding, shapes)


def masked_model(
    experiment: Experiment, dense: StageFolder, importance: Importance | None = None
) -> tuple[PreTrainedModel, Masks]:
    """The model that pruning starts from, with the method's masks; they keep to the target, if there is one.

    `importance`: of units, which the scores start from.
    """
    config = experiment.config
    set_seed(config.seed)
    model = experiment.networks.start(dense)
    masks = spread(model, model.base_model, experiment.networks.sublayers, config.method, config.seed)
    if importance is not None:
        start_from_importance(masks, importance)
    if target_of(config) is not None:
        budget = experiment.budget
        masks.budget_controller = BudgetController(budget.limit / budget.dense_cost, budget.share_left).to(model.device)
    set_seed(config.seed)
    return model, masks


def start_from_importance(masks: Masks, importance: Importance) -> None:
    """Scores start from -1 (the least information per weight) to 1 (the most), by rank, over all sites together."""
    sublayers = [sublayer for bank in masks.all_banks() for sublayer in bank.sublayers]
    per_weight = [importance[s.name] * s.num_units / s.num_weights for s in sublayers]
    ranks = torch.cat(per_weight).argsort().argsort()
    scaled = torch.split(2 * ranks / max(1, len(ranks) - 1) - 1, [s.num_units for s in sublayers])
    of_name = {sublayer.name: values for sublayer, values in zip(sublayers, scaled, strict=True)}
    for bank in masks.all_banks():
        bank.start_from(torch.stack([of_name[s.name] for s in bank.sublayers]))


def _settle(masks: Masks, controller: BudgetController, experiment: Experiment) -> None:
    """Moves the cut to where the model is measured to be at its target."""
    whole = all_units(experiment.networks.sublayers)

    def units_left(limit: float) -> Kept:
        controller.share = limit / experiment.budget.dense_cost
        masks.advance(1.0)
        masks.refresh()
        return whole | masks.units_left()

    units_left(experiment.budget.settle(units_left))


def spread(model: nn.Module, base: nn.Module, sublayers: list[Sublayer], method: MethodConfig, seed: int) -> Masks:
    """Puts the method's masks on `model`."""
    sites = {"attention": method.attention, "feed_forward": method.feed_forward}
    masked = {name: _site(site, method) for name, site in sites.items() if not site.stays}
    return attach(model, base, [s for s in sublayers if s.site in masked], masked, seed)


def _site(site: SiteConfig, method: MethodConfig) -> SiteMasking:
    return SiteMasking(
        criterion=registry.module("criteria", site.criterion).CRITERION,
        grain=site.grain,
        block=tuple(site.block),
        density=method.density,
        threshold=method.threshold,
        penalty=method.penalty * site.penalty_weight,
        pooled=method.scope is Scope.site,
    )
