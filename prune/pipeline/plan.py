"""`prune plan`: before any training, which shapes reach a target here, and how long the run will take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from rich.console import Group
from rich.table import Table
from torch import Tensor

from prune.budget.budget import PAIRS
from prune.budget.shape import units_of
from prune.config.candidates import candidates_of
from prune.config.schema import Config
from prune.config.targets import target_of
from prune.errors import UserError
from prune.models.sublayers import SITES, Sublayer
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.method import method_of
from prune.pipeline.stages import stages_to_run
from prune.pipeline.step_time import seconds_per_step
from prune.results.layout import run_folder
from prune.runtime.screen import Screen

_FORWARD = 1 / 3
"""A forward pass, in training steps."""


@dataclass(frozen=True)
class Plan:
    """One target, or one candidate for it."""

    setting: str
    """What the table calls it."""
    kept: Mapping[str, int]
    """Sublayer -> heads or dimensions, if all units of a sublayer were equally important."""
    sublayers: list[Sublayer]
    speedup: float | None
    """Measured with random weights, where the target is a time."""
    seconds: Mapping[str, float]
    """Stage -> time that it will take; those whose output is there take none."""


def plans(config: Config, screen: Screen) -> list[Plan]:
    """A plan for the one target of `config`, or one for each of its candidates.

    Raises:
        UserError: if there is no target, or it cannot be reached.
    """
    if not method_of(config).takes_target:
        raise UserError(f"prune plan: {config.method.name} takes no target, so there is nothing to plan")
    if target_of(config) is None:
        raise UserError("prune plan: name a target, as in target.speedup=2.5 or target.density=[0.5,0.3]")
    first, *others = candidates_of(config)
    experiment = prepare(first, run_folder(first), screen)
    experiments = [experiment, *map(experiment.with_config, others)]
    step = seconds_per_step(first, experiment.networks, experiment.examples)
    return [_plan(one.with_budget(), step) for one in experiments]


def _plan(experiment: Experiment, step: float) -> Plan:
    budget, sublayers = experiment.budget, experiment.networks.sublayers
    importance = {s.name: _even_importance(s) for s in sublayers}
    shapes = experiment.config.method.shape
    units = units_of(shapes[-1], sublayers, importance) if shapes else budget.choose(importance)
    kept = {name: len(numbers) for name, numbers in units.items()}
    return Plan(
        setting=experiment.setting,
        kept=kept,
        sublayers=sublayers,
        speedup=budget.ratio(units, PAIRS) if budget.ratio is not None else None,
        seconds=stage_seconds(experiment, step, budget.cost_of(kept) / budget.dense_cost),
    )


def _even_importance(sublayer: Sublayer) -> Tensor:
    """Rises from unit to unit, so that to halve two sublayers loses less than to remove one."""
    return sublayer.weights_per_unit * torch.arange(1, sublayer.num_units + 1) / sublayer.num_units


def stage_seconds(experiment: Experiment, seconds_per_step: float, share: float) -> dict[str, float]:
    """Seconds of each stage, given those of a dense training step; a step of a smaller model takes the `share` left."""
    config = experiment.config
    per_step, once = _teacher(experiment)
    steps: dict[str, float] = {}
    for stage in stages_to_run(method_of(config).result(config), config):
        if stage.folder(config).report.exists() and (stage.survives_force or not config.force):
            steps[stage.name] = 0.0
            continue
        work = stage.work(experiment, share)
        steps[stage.name] = work.steps + per_step * work.taught_steps
        if work.taught_steps:  # the first that is taught has the teacher's outputs computed
            steps[stage.name] += once
            once = 0.0
    return {name: number * seconds_per_step for name, number in steps.items()}


def _teacher(experiment: Experiment) -> tuple[float, float]:
    """What the teacher takes at every step, and what once, if its outputs are kept; in training steps."""
    if experiment.config.teacher == "none":
        return 0.0, 0.0
    if experiment.learning.teaches_at_every_step:
        return _FORWARD, 0.0
    return 0.0, _FORWARD * len(experiment.examples.training) / experiment.config.schedule.batch_size


def as_rich(plans: list[Plan]) -> Group:
    """For the terminal."""
    table = Table("target", "speed-up", *(site.replace("_", "-") for site in SITES), "time", title="plan")
    for one in plans:
        units = (" ".join(str(one.kept[s.name]) for s in one.sublayers if s.site == site) for site in SITES)
        speed = f"{one.speedup:.2f}x" if one.speedup is not None else ""
        table.add_row(one.setting, speed, *units, _as_text(sum(one.seconds.values())))
    stages = ", ".join(f"{name} {_as_text(time)}" for name, time in plans[0].seconds.items())
    table.caption = (
        "Heads and dimensions per layer, if all of a layer were equally important; a run scores them. "
        f"Time, from a training step here: {stages}; measuring comes on top."
    )
    return Group(table)


def _as_text(time: float) -> str:
    return f"{time / 60:.0f} min" if time >= 60 else f"{time:.0f} s"
