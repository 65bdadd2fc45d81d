"""What a method of pruning is. Imports nothing heavy, so that a config is checked before torch is loaded."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from prune.config.schema import Config, MethodConfig
from prune.config.targets import each, given
from prune.criteria import of_masks
from prune.masking.grains import Grain
from prune.pipeline.stage import Stage
from prune.runtime import registry

Run = tuple[Config, list[str]]
"""One of the runs that a config asks for, and the words that ask for this one alone."""


def _as_it_is(config: Config) -> Iterable[Run]:
    return [(config, [])]


@dataclass(frozen=True)
class Method:
    """How a model is pruned: a file or package of prune/methods/, which assigns it to `METHOD`."""

    result: Callable[[Config], Stage]
    """The stage whose model is the result; its inputs are the stages that lead to it."""
    criteria: Callable[[Grain], list[str]] = lambda _grain: of_masks()
    """Names of the criteria that score a grain; none where the method does not prune it."""
    one_criterion: bool = False
    """Whether it compares the grains of both sites, so that both have the same criterion."""
    scores_units: bool = False
    """Whether it scores whole units, by a criterion that reads a model and batches; else grains, while it trains."""
    takes_target: bool = True
    """Whether a target says how much it prunes."""
    needs_target: bool = False
    """Whether it is nothing without a target."""
    has_budget: bool = True
    """Whether its target is met by what units or grains cost, all of them together."""
    has_teacher: bool = True
    """Whether its models may learn from a teacher; else they are trained as the dense model is."""
    takes_shape: Callable[[Config], bool] = lambda _config: False
    """Whether `method.shape` can say how many units it keeps."""
    setting: Callable[[Config], str] | None = None
    """What decides how hard it prunes, as the table shows it; None: the target, or else penalty, density and layers."""
    runs: Callable[[Config], Iterable[Run]] = _as_it_is
    """The runs that a config asks for, where it asks for several results."""
    problems: Callable[[Config], Iterable[str]] = lambda _config: ()
    """What makes no sense in its settings; told before torch is loaded."""
    problems_with_model: Callable[[Config], Iterable[str]] = lambda _config: ()
    """What of it needs torch to be seen; told before data or weights are read."""
    check: Callable[[Any], None] = lambda _experiment: None
    """(experiment) -> raises a UserError where its settings make no sense for so many examples; before any training."""
    reads: tuple[str, ...] = ()
    """Settings of `method` that it reads, and not all others do."""


def method_of(config: Config) -> Method:
    """The method of a run."""
    found: Method = registry.module("methods", config.method.kind).METHOD
    return found


def stages_of(config: Config) -> list[Stage]:
    """All stages of a run, in the order in which they run."""
    return method_of(config).result(config).chain()


def runs_of(config: Config) -> list[Run]:
    """All runs that a config asks for: one for each value of its target, and for each result of its method."""
    method = method_of(config)
    return [
        (one, [*words, *more])
        for of_target, words in _of_targets(config if method.has_teacher else replace(config, teacher="none"))
        for one, more in method.runs(of_target)
    ]


def _of_targets(config: Config) -> Iterator[Run]:
    runs = list(each(config))
    for one in runs:
        words = [f"target.{kind}={value:g}" for kind, (value,) in given(one).items()] if len(runs) > 1 else []
        yield one, words


def unread_settings(config: Config) -> Iterator[tuple[str, list[str]]]:
    """Settings of `method` that the method does not read and only some do -> the kinds of method that read them."""
    readers: dict[str, list[str]] = {}
    for kind in registry.names("methods"):
        for name in registry.module("methods", kind).METHOD.reads:
            readers.setdefault(name, []).append(kind)
    for name, kinds in readers.items():
        if config.method.kind not in kinds:
            yield name, kinds


def drop_settings_of_replaced_method(config: Config, keys: Container[str]) -> None:
    """Sets to its default what a recipe says to its own method, where a command with these `keys` names another."""
    if "recipe" in keys and "method" in keys:
        defaults = MethodConfig()
        for name, _ in unread_settings(config):
            if f"method.{name}" not in keys:
                setattr(config.method, name, getattr(defaults, name))
