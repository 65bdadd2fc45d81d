"""Fine-pruning: masks on one or both sites, moved by the schedule while the model is fine-tuned (Sanh et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from transformers import PreTrainedModel, set_seed

from prune.budget.budget import Kept
from prune.config.schema import MethodConfig, Scope, SiteConfig, Start
from prune.config.targets import target_of
from prune.masking.alive import Alive
from prune.masking.attach import attach, fold
from prune.masking.bank import SiteMasking
from prune.masking.budget_controller import BudgetController
from prune.masking.masks import Masks
from prune.measure.speed import speed_device
from prune.methods import Pruned
from prune.models.sublayers import Sublayer, smaller
from prune.pipeline.importance import importance_of
from prune.pipeline.stages import saving
from prune.runtime import distributed, registry
from prune.runtime.memory import give_back_memory
from prune.training.checkpoints import checkpoint_at
from prune.training.shrinking import NOTE, enlarge, note, resumed, shrink, still_alive, take_away
from prune.training.used_rows import used_rows

if TYPE_CHECKING:
    from prune.pipeline.context import Experiment
    from prune.results.layout import StageFolder

Worth = Mapping[str, Tensor]
"""Sublayer -> importance of its units."""
_WEIGHTS = "model.safetensors"
LOOKS = 10
"""Times at which a shrinking training looks for what has died, its end included."""


def prune(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> None:
    """Trains with masks, and with distillation; leaves the weights and the scores in `stage`."""
    config = experiment.config
    worth = None
    if config.schedule.start_from is Start.one_shot:
        worth = distributed.broadcast_from_main(lambda: _importance_at_start(experiment, dense))
    experiment.screen.stage("prune", f"{config.method.name}, {experiment.setting}: training with masks")
    train = _train_shrinking if config.compact.during_training else _train
    model, masks = train(experiment, dense, stage, worth)
    masks.advance(1.0)
    if distributed.is_main_process():
        stage.model.mkdir(parents=True, exist_ok=True)
        with saving(model, stage):
            save_model(model, str(stage.model / _WEIGHTS))


def _importance_at_start(experiment: Experiment, dense: StageFolder) -> Worth:
    start = experiment.first_model(dense).to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
    return importance_of(experiment, start)


def _train(
    experiment: Experiment, dense: StageFolder, stage: StageFolder, worth: Worth | None
) -> tuple[PreTrainedModel, Masks]:
    model, masks = masked_model(experiment, dense, worth=worth)
    training = experiment.trainings.prune
    experiment.train(
        model, stage, training, experiment.training_data(dense), masks, experiment.trainings.ramp(training)
    )
    return model, masks


def _train_shrinking(
    experiment: Experiment, dense: StageFolder, stage: StageFolder, worth: Worth | None
) -> tuple[PreTrainedModel, Masks]:
    """The same; at each tenth of the training, what has died is removed. Gives a whole model back.

    Where the last checkpoint is of such a step, it may be from before the removal or after: it is looked at again.
    """
    training = experiment.trainings.prune
    ramp, training_data = experiment.trainings.ramp(training), experiment.training_data(dense)
    everything = Alive.all_of(_masked(experiment))
    start, alive = distributed.broadcast_from_main(
        lambda: resumed(stage.checkpoints, everything, experiment.screen.warn)
    )
    for end in [training.steps * part // LOOKS for part in range(1, LOOKS + 1)]:
        if end < start:
            continue
        give_back_memory()  # of the part before
        model, masks = masked_model(experiment, dense, alive, worth if alive == everything else None)
        experiment.train(
            model, stage, replace(training, until=end, note=(NOTE, note(alive))), training_data, masks, ramp
        )
        masks.advance(ramp(end))
        if end < training.steps and (left := still_alive(masks, alive)).kept != alive.kept:
            checkpoint = checkpoint_at(stage.checkpoints, end)
            distributed.broadcast_from_main(partial(_shrink, experiment, dense, checkpoint, model, everything, left))
            alive = left
    whole, of_whole = masked_model(experiment, dense, everything)
    enlarge(model, whole)
    return whole, of_whole


def _shrink(
    experiment: Experiment, dense: StageFolder, checkpoint: Path, model: PreTrainedModel, everything: Alive, left: Alive
) -> None:
    give_back_memory()  # of the training, whose optimizer is read from the checkpoint
    models = model, *(masked_model(experiment, dense, alive)[0] for alive in (left, everything))
    with ExitStack() as as_trained:
        for one in models:
            as_trained.enter_context(
                used_rows(one, experiment.training_data(dense).ids, experiment.trainings.prune.weight_decay)
            )
        shrink(checkpoint, *models)


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder, _own: StageFolder) -> Pruned | None:
    """The trained model with its masks multiplied in."""
    return distributed.on_main_process(lambda: _folded(experiment, dense, stage))


def _folded(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> Pruned:
    model, masks = masked_model(experiment, dense)
    load_model(model, stage.model / _WEIGHTS)
    if masks.budget_controller is None:
        masks.advance(1.0)
    else:
        _settle(masks, masks.budget_controller, experiment)
    spared = masks.spare(experiment.round_to())
    outputs = experiment.proof_outputs(model)
    fold(model)
    return Pruned(model, outputs, spared)


def masked_model(
    experiment: Experiment, dense: StageFolder, alive: Alive | None = None, worth: Worth | None = None
) -> tuple[PreTrainedModel, Masks]:
    """The model that pruning starts from, with the method's masks; they keep to the target, if there is one.

    `alive`: without the units that have been removed. `worth`: the scores start from this importance of units.
    """
    config = experiment.config
    set_seed(config.seed)
    model = experiment.first_model(dense)
    if alive is not None:
        take_away(model, experiment.sublayers, alive)
    masks = spread(model, model.base_model, experiment.sublayers, config.method, config.seed, alive)
    if worth is not None:
        start_from_importance(masks, worth)
    if target_of(config) is not None:
        budget = experiment.budget
        masks.budget_controller = BudgetController(budget.limit / budget.whole, budget.left).to(model.device)
    set_seed(config.seed)
    return model, masks


def start_from_importance(masks: Masks, importance: Worth) -> None:
    """Scores start from -1 (the least information per weight) to 1 (the most), by rank, over all sites together."""
    sublayers = [sublayer for bank in masks.all_banks() for sublayer in bank.sublayers]
    per_weight = [importance[s.name] * s.num_units / s.num_weights for s in sublayers]
    ranks = torch.cat(per_weight).argsort().argsort()
    worth = torch.split(2 * ranks / max(1, len(ranks) - 1) - 1, [s.num_units for s in sublayers])
    of_name = {sublayer.name: values for sublayer, values in zip(sublayers, worth, strict=True)}
    for bank in masks.all_banks():
        bank.start_from(torch.stack([of_name[s.name] for s in bank.sublayers]))


def _settle(masks: Masks, budget_controller: BudgetController, experiment: Experiment) -> None:
    """Moves the cut to where the model is measured to be at its target."""
    whole = {s.name: tuple(range(s.num_units)) for s in experiment.sublayers}

    def units_left(budget: float) -> Kept:
        budget_controller.share = budget / experiment.budget.whole
        masks.advance(1.0)
        masks.refresh()
        return whole | masks.units_left()

    units_left(experiment.budget.settle(units_left))


def spread(
    model: nn.Module,
    base: nn.Module,
    sublayers: list[Sublayer],
    method: MethodConfig,
    seed: int,
    alive: Alive | None = None,
) -> Masks:
    """Puts the method's masks on `model`; where units have been removed, on what is `alive` of it."""
    sites = {"attention": method.attention, "feed_forward": method.feed_forward}
    masked = {name: _site(site, method) for name, site in sites.items() if not site.stays}
    left = sublayers if alive is None else smaller(alive.sublayers, alive.kept)
    return attach(model, base, [s for s in left if s.site in masked], masked, seed, alive)


def _masked(experiment: Experiment) -> list[Sublayer]:
    method = experiment.config.method
    stay = {"attention": method.attention.stays, "feed_forward": method.feed_forward.stays}
    return [s for s in experiment.sublayers if not stay[s.site]]


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
