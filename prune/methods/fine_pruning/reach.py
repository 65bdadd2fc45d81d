"""How far scores can move in a training, against how far they must before anything is removed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch

from prune.config.schema import Config, Start
from prune.config.targets import target_of
from prune.errors import UserError
from prune.runtime import registry

_FASTEST = (1 - 0.9) / math.sqrt(1 - 0.999)
"""Adam moves a weight by its learning rate where gradients are steady, and at most by so many times that (Kingma and Ba
2015, section 2.1)."""


def check_reach(config: Config, steps: int, warn: Callable[[str], None]) -> None:
    """Warns where so many steps will hardly move a score far enough for its grain to be removed.

    Raises:
        UserError: if they cannot.
    """
    distances = list(_distances(config))
    if target_of(config) is not None or not distances:
        return
    distance, rate = min(distances), config.schedule.score_learning_rate
    reach = rate * steps / 2  # it rises to its peak and falls to 0 linearly
    if reach >= distance:
        return
    why = (
        f"{steps} steps with schedule.score_learning_rate={rate:g} move scores by about {reach:.2g}, and a grain is "
        f"removed once its score has fallen by {distance:.2g}. Train longer (schedule.epochs), raise "
        "schedule.score_learning_rate, or say what the result must be, as in target.speedup=2"
    )
    if _FASTEST * reach < distance:
        raise UserError(f"{config.method.name} would remove nothing: {why}")
    warn(f"{config.method.name} will remove little, if anything: {why}")


def _distances(config: Config) -> Iterator[float]:
    """At each site that is pruned, how far the lowest scores must fall; 0 where they need not."""
    for site in (config.method.attention, config.method.feed_forward):
        if site.stays:
            continue
        criterion = registry.module("criteria", site.criterion).CRITERION
        start = float(criterion.initial((1,), torch.Generator()))
        if config.schedule.start_from is Start.one_shot:
            start -= 1.0  # where the least important units begin
        removed_at = criterion.removed_at(config.method.threshold)
        yield 0.0 if removed_at is None else max(0.0, start - removed_at)
