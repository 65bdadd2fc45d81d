"""Fine-pruning: masks on one or both sites, moved by the schedule while the model is fine-tuned (Sanh et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from transformers import PreTrainedModel, set_seed

from prune import discovery
from prune.config import MethodConfig, Scope, SiteConfig, Start
from prune.goals import Kept
from prune.importance import importance_of
from prune.masking.attach import Masks, attach, fold
from prune.masking.bank import SiteMasking
from prune.masking.steering import Steering
from prune.measure.speed import speed_device
from prune.methods import Pruned
from prune.sublayers import Sublayer
from prune.targets import target_of

if TYPE_CHECKING:
    from prune.outputs import StageFolder
    from prune.preparation import Experiment

_WEIGHTS = "model.safetensors"


def prune(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> None:
    """Trains with masks, and with distillation; leaves the weights and the scores in `stage`."""
    config = experiment.config
    model, masks = masked_model(experiment, dense)
    if config.schedule.start_from is Start.one_shot:
        start = experiment.first_model(dense).to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        begin_with_importance(masks, importance_of(experiment, start))
    experiment.screen.stage("prune", f"{config.method.name}, {experiment.setting}: training with masks")
    set_seed(config.seed)
    training = experiment.training("prune", config.schedule.epochs)
    experiment.train(model, stage, training, experiment.lesson(dense), masks, experiment.ramp(training))
    masks.advance(1.0)
    stage.model.mkdir(parents=True, exist_ok=True)
    save_model(model, str(stage.model / _WEIGHTS))


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> Pruned:
    """The trained model with its masks multiplied in."""
    model, masks = masked_model(experiment, dense)
    load_model(model, stage.model / _WEIGHTS)
    if masks.steering is None:
        masks.advance(1.0)
    else:
        _settle(masks, masks.steering, experiment)
    spared = masks.spare(experiment.round_to())
    outputs = experiment.proof_outputs(model)
    fold(model)
    return Pruned(model, outputs, spared)


def masked_model(experiment: Experiment, dense: StageFolder) -> tuple[PreTrainedModel, Masks]:
    """The model that pruning starts from, with the method's masks; they keep to the target, if there is one."""
    config = experiment.config
    set_seed(config.seed)
    model = experiment.first_model(dense)
    masks = spread(model, model.base_model, experiment.sublayers, config.method, config.seed)
    if target_of(config) is not None:
        goal = experiment.goal
        masks.steering = Steering(goal.budget / goal.whole, goal.left)
    return model, masks


def begin_with_importance(masks: Masks, importance: Mapping[str, Tensor]) -> None:
    """Scores start from -1 (the least information per weight) to 1 (the most), by rank, over all sites together."""
    sublayers = [sublayer for bank in masks.all_banks() for sublayer in bank.sublayers]
    per_weight = [importance[s.name] * s.num_units / sum(m.rows * m.columns for m in s.matrices) for s in sublayers]
    ranks = torch.cat(per_weight).argsort().argsort()
    worth = torch.split(2 * ranks / max(1, len(ranks) - 1) - 1, [s.num_units for s in sublayers])
    of_name = {sublayer.name: values for sublayer, values in zip(sublayers, worth, strict=True)}
    for bank in masks.all_banks():
        bank.begin_with(torch.stack([of_name[s.name] for s in bank.sublayers]))


def _settle(masks: Masks, steering: Steering, experiment: Experiment) -> None:
    """Moves the cut to where the model is measured to be at its target."""
    whole = {s.name: tuple(range(s.num_units)) for s in experiment.sublayers}

    def units_left(budget: float) -> Kept:
        steering.share = budget / experiment.goal.whole
        masks.advance(1.0)
        masks.refresh()
        return whole | masks.units_left()

    units_left(experiment.goal.settle(units_left))


def spread(model: nn.Module, base: nn.Module, sublayers: list[Sublayer], method: MethodConfig, seed: int) -> Masks:
    """Puts the method's masks on `model`."""
    sites = {"attention": method.attention, "feed_forward": method.feed_forward}
    masked = {name: _site(site, method) for name, site in sites.items() if not site.stays}
    return attach(model, base, [s for s in sublayers if s.site in masked], masked, seed)


def _site(site: SiteConfig, method: MethodConfig) -> SiteMasking:
    return SiteMasking(
        criterion=discovery.module("criteria", site.criterion).CRITERION,
        grain=site.grain,
        block=tuple(site.block),
        density=method.density,
        threshold=method.threshold,
        penalty=method.penalty * site.penalty_weight,
        pooled=method.scope is Scope.site,
    )
