"""Names: of parts, splits, metrics, trackers."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path

from prune.config.keys import NAME, is_name
from prune.config.schema import NO_GRAIN, Config, SiteConfig
from prune.files.paths import in_the_way
from prune.masking.grains import GRAINS
from prune.pipeline.method import Method, method_of
from prune.recipes.library import PLACES
from prune.runtime import registry
from prune.runtime.sanitize import shown
from prune.tasks.metrics import specs

_LONGEST_PART = 255
"""Of a path, in bytes."""
TRACKERS = ("tensorboard", "wandb", "mlflow")
"""Names of prune/training/tracking.py, which needs torch, too; the packages are called the same."""


def places(config: Config) -> Iterator[str]:
    """Folders that cannot be."""
    for key in (*PLACES, "outputs"):
        name = attrgetter(key)(config) or ""
        if any(len(part.encode()) > _LONGEST_PART for part in name.split("/")):
            yield f"{key}={shown(name)}: no folder has so long a name"
    if file := in_the_way(Path(config.outputs)):
        yield f"outputs={shown(config.outputs)}: {shown(file)} is no folder. Name another"


def names(config: Config) -> Iterator[str]:
    """Names that are not known, or that no folder could have."""
    kinds = [("task.kind", "tasks", config.task.kind), ("method.kind", "methods", config.method.kind)]
    for key, folder, name in kinds:
        yield from one_of(key, name, registry.names(folder))
    yield from _sites(config)
    for key, label in (("model", config.model.name), ("task", config.task.name), ("method", config.method.name)):
        unnamed = key == "model" and not config.model.path  # it is named after its path, of which is told below
        if not is_name(label) and not unnamed:
            yield f"{key}.name={shown(label)}: a name is part of the run folder's: {NAME}"
    for split in (config.task.train_split, *config.task.eval_splits):
        if not is_name(split):
            yield f"task: the split {shown(split)} is part of a file's name: {NAME}"
    for key, names in (("task.metrics", config.task.metrics), ("task.eval_splits", config.task.eval_splits)):
        if not names:
            yield f"{key}=[]: name at least one"
    kind = config.task.kind + (", unanswerable" if config.task.answers.unanswerable else "")
    for metric in config.task.metrics:
        yield from one_of("task.metrics", metric, list(specs.NAMES.get(kind, config.task.metrics)))
    yield from one_of("evaluate.speed.dtype", config.evaluate.speed.dtype, ["float32", "bfloat16"])
    yield from one_of("evaluate.speed.device", config.evaluate.speed.device, ["auto", "cpu", "cuda"])
    for key, value in (("model.path", config.model.path), ("task.path", config.task.path)):
        if not value:
            yield f"{key} is empty: name a local folder or a hub name, as in {key}=<folder>"
    if not config.outputs:
        yield "outputs is empty: name a folder"


def _sites(config: Config) -> Iterator[str]:
    """Grains that a method does not prune, and criteria that do not score them."""
    if (method := method_or_none(config)) is None:
        return
    found: list[str] = []
    for name, site in sites(config):
        criteria = {one: method.criteria(grain) for one, grain in GRAINS.items() if name in grain.sites}
        grains = [one for one, known in criteria.items() if known]
        known = criteria[site.grain if site.grain in grains else grains[0]]
        of_both = config.method.criterion and site.criterion == config.method.criterion
        found += one_of("method.criterion" if of_both else f"method.{name}.criterion", site.criterion, known)
        found += one_of(f"method.{name}.grain", site.grain, [*grains, NO_GRAIN])
    yield from dict.fromkeys(found)


def tracking(config: Config) -> Iterator[str]:
    """Trackers that are not known or not installed."""
    for name in config.tracking:
        yield from one_of("tracking", name, list(TRACKERS))
    if missing := [name for name in TRACKERS if name in config.tracking and find_spec(name) is None]:
        yield f"tracking=[{','.join(missing)}] needs {', '.join(missing)}: pip install -e '.[tracking]'"


def method_or_none(config: Config) -> Method | None:
    """The method of a config; None where its kind is not known, which `names` tells."""
    return method_of(config) if config.method.kind in registry.names("methods") else None


def sites(config: Config) -> Iterator[tuple[str, SiteConfig]]:
    """Both sites with their names."""
    yield "attention", config.method.attention
    yield "feed_forward", config.method.feed_forward


def one_of(key: str, value: str, allowed: list[str]) -> Iterator[str]:
    """A name that is not among the allowed, with the nearest that is."""
    if value not in allowed:
        yield f"{key}={shown(value)}: not known{registry.nearest(value, allowed)}. Allowed: {', '.join(allowed)}"
