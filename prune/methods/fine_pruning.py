"""Fine-pruning: masks on one or both sites, moved by the schedule while the model is fine-tuned (Sanh et al. 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors.torch import load_model, save_model
from torch import nn
from transformers import PreTrainedModel, set_seed

from prune import discovery
from prune.config import MethodConfig, Scope, SiteConfig
from prune.masking.attach import Masks, attach, fold
from prune.masking.bank import SiteMasking
from prune.methods import Pruned
from prune.sublayers import Sublayer

if TYPE_CHECKING:
    from prune.outputs import StageFolder
    from prune.preparation import Experiment

_WEIGHTS = "model.safetensors"


def prune(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> None:
    """Trains with masks, and with distillation; leaves the weights and the scores in `stage`."""
    config = experiment.config
    experiment.screen.stage("prune", f"{config.method.name}, {experiment.setting}: training with masks")
    lesson = experiment.lesson(dense)
    model, masks = masked_model(experiment, dense)
    training = experiment.training("prune", config.schedule.epochs)
    experiment.train(model, stage, training, lesson, masks, experiment.ramp(training))
    masks.advance(1.0)
    stage.model.mkdir(parents=True, exist_ok=True)
    save_model(model, str(stage.model / _WEIGHTS))


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> Pruned:
    """The trained model with its masks multiplied in."""
    model, masks = masked_model(experiment, dense)
    load_model(model, stage.model / _WEIGHTS)
    masks.advance(1.0)
    spared = masks.spare(experiment.round_to())
    outputs = experiment.proof_outputs(model)
    fold(model)
    return Pruned(model, outputs, spared)


def masked_model(experiment: Experiment, dense: StageFolder) -> tuple[PreTrainedModel, Masks]:
    """The model that pruning starts from, with the method's masks."""
    config = experiment.config
    set_seed(config.seed)
    model = experiment.first_model(dense)
    masks = spread(model, model.base_model, experiment.sublayers, config.method, config.seed)
    set_seed(config.seed)
    return model, masks


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
