"""What a method of pruning is. Imports nothing heavy, so that a config is checked before torch is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prune.config.schema import Config
from prune.pipeline.stage import Stage
from prune.runtime import registry


@dataclass(frozen=True)
class Method:
    """How a model is pruned: a file or package of prune/methods/, which assigns it to `METHOD`."""

    result: Callable[[Config], Stage]
    """The stage whose model is the result; its inputs are the stages that lead to it."""
    needs_target: bool = False
    """Whether it is nothing without a target."""
    scores_units: bool = False
    """Whether it scores whole units, by a criterion that reads a model and batches; else grains, while it trains."""
    takes_shape: Callable[[Config], bool] = lambda _config: False
    """Whether `method.shape` can say how many units it keeps."""
    check: Callable[[Any], None] = lambda _experiment: None
    """(experiment) -> raises a UserError where its settings make no sense for so many examples; before any training."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Setting that it does not read, though others do -> why, for the user who sets it."""


def method_of(config: Config) -> Method:
    """The method of a run."""
    found: Method = registry.module("methods", config.method.kind).METHOD
    return found


def stages_of(config: Config) -> list[Stage]:
    """All stages of a run, in the order in which they run."""
    return method_of(config).result(config).chain()
