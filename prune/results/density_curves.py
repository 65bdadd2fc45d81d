"""A metric over density: for each way to prune, the runs that differ only in how much they prune, over their seeds."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from prune.config.identity import dense_identity, run_identity
from prune.results.record import Record
from prune.results.rows import Spread, dense_key, dense_models, grouped
from prune.results.settings import differing, flat_settings
from prune.tasks.metrics.specs import MetricSpec

_TARGET, _MASK, _CONTROL = "target.", "method.mask", "method.control"
_OF_DENSITY = {"method.density", "method.penalty", "method.threshold", "method.rounds"}
_OF_DENSITY_WITH_TARGET = {"method.shape", "method.rounds"}
"""Settings that decide how much a run prunes, beside its target."""
_CRITERIA = ("method.criterion", "method.attention.criterion", "method.feed_forward.criterion")
_DIGITS = 3
"""Densities that agree to so many digits are one."""


@dataclass(frozen=True)
class DensityPoint:
    """One density of a curve, over its seeds. The values are as records hold them."""

    setting: str
    records: tuple[Record, ...]

    @cached_property
    def density(self) -> Spread:
        """What is left of the prunable weights."""
        return Spread.over(record.linear_density for record in self.records)

    @cached_property
    def value(self) -> Spread:
        """Of the main metric."""
        return Spread.over(record.value for record in self.records)

    @cached_property
    def difference(self) -> Spread:
        """Value minus dense value."""
        return Spread.over(record.difference for record in self.records)


@dataclass(frozen=True)
class DensityCurve:
    """Runs that differ in how much they prune, and in their seeds."""

    base: str
    """What it is; of a control, what it is the control of."""
    control: str
    """What stands in for the mask or for its weights; empty: nothing does."""
    points: tuple[DensityPoint, ...]
    """From dense to sparse."""

    @property
    def name(self) -> str:
        """Tells it from the others beside it."""
        return ", ".join(filter(None, [self.base, self.control]))


@dataclass(frozen=True)
class DensityCurves:
    """The curves from one dense model, on one task and in one metric."""

    task: str
    model: str
    spec: MetricSpec
    distinguishing_settings: str
    """Those in which dense models of the same name differ."""
    dense: tuple[Record, ...]
    """One run of each of the dense model's fine-tunings."""
    curves: tuple[DensityCurve, ...]

    @cached_property
    def dense_value(self) -> Spread:
        """Of the main metric."""
        return Spread.over(record.dense_value for record in self.dense)


def density_curves(records: Iterable[Record]) -> list[DensityCurves]:
    """The curves over at least two densities, with their controls, for each task, dense model and metric."""
    families = [(family, curves) for family in grouped(records, dense_key).values() if (curves := _curves(family))]
    families.sort(key=lambda one: (_names(one[0][0]), one[0][0].fine_tuning))
    namesakes = grouped((family[0] for family, _ in families), _names)
    return [
        DensityCurves(
            task=family[0].task,
            model=family[0].model,
            spec=family[0].spec,
            distinguishing_settings=_told_apart(family[0], namesakes[_names(family[0])]),
            dense=tuple(sorted(dense_models(family), key=lambda record: record.seed)),
            curves=tuple(curves),
        )
        for family, curves in families
    ]


def _names(record: Record) -> tuple[str, ...]:
    return record.task, record.model, record.metric


def _told_apart(record: Record, namesakes: Sequence[Record]) -> str:
    flat = {id(one): flat_settings(dense_identity(one.non_default_settings)) for one in namesakes}
    return _words(flat[id(record)], differing(list(flat.values())))


def _words(settings: Mapping[str, str], keys: Sequence[str]) -> str:
    return ", ".join(f"{key.removeprefix('method.')}={settings[key]}" for key in sorted(keys) if key in settings)


@dataclass(frozen=True)
class _Run:
    """A record, and what decides which point of which curve it is of."""

    record: Record
    variant: str
    """What its setting says beyond that of other records of its configuration: the format of an export."""
    settings: dict[str, str]
    """Its configuration; of a mask, the configuration of the run that found it."""

    @cached_property
    def way(self) -> dict[str, str]:
        """How it prunes: the settings that decide neither how much nor which control it is."""
        targets = [key for key in self.settings if key.startswith(_TARGET)]
        left_out = {*targets, _CONTROL} | (_OF_DENSITY_WITH_TARGET if targets else _OF_DENSITY)
        way = {key: value for key, value in self.settings.items() if key not in left_out}
        if targets:
            way["target"] = " ".join(targets)
        if _MASK in way:
            way[_MASK] = str(PurePosixPath(way[_MASK]).parent)
        return way

    @cached_property
    def criterion(self) -> str:
        """What scores its weights."""
        own, *sites = (self.settings.get(key, "") for key in _CRITERIA)
        return own or " and ".join(filter(None, dict.fromkeys(sites)))

    @property
    def base(self) -> Hashable:
        """The same for runs of a curve and of its controls."""
        return self.record.method, self.criterion, self.variant, tuple(sorted(self.way.items()))

    @property
    def control(self) -> str:
        """Empty: none."""
        return self.settings.get(_CONTROL, "")

    @property
    def point(self) -> Hashable:
        """The same for replicates."""
        return self.record.setting, tuple(sorted(self.settings.items()))


def _curves(family: Sequence[Record]) -> list[DensityCurve]:
    bases = grouped(_runs(family), lambda run: run.base)
    labels = _labels([runs[0] for runs in bases.values()])
    found = []
    for label, runs in zip(labels, bases.values(), strict=True):
        controls = grouped(runs, lambda run: run.control)
        curves = [DensityCurve(label, control, tuple(_points(mine))) for control, mine in controls.items()]
        if any(len({f"{point.density.mean:.{_DIGITS}g}" for point in curve.points}) > 1 for curve in curves):
            found += curves
    return sorted(found, key=lambda curve: (curve.base, curve.control))


def _runs(family: Sequence[Record]) -> Iterator[_Run]:
    settings = grouped(family, lambda record: (record.method, record.configuration))
    shortest = {key: min((record.setting for record in records), key=len) for key, records in settings.items()}
    for record in family:
        plain = shortest[record.method, record.configuration]
        variant = record.setting.removeprefix(plain).strip(", ") if record.setting.startswith(plain) else record.setting
        flat = flat_settings(run_identity(record.non_default_settings))
        yield _Run(record, variant, flat | ({_MASK: _configuration_of(flat[_MASK])} if _MASK in flat else {}))


def _configuration_of(mask: str) -> str:
    """The folder of a mask without the seed of the run that found it."""
    path = PurePosixPath(mask)
    path = path.parent if path.name == "model" else path
    return str(path.parent if re.fullmatch(r"seed_\d+", path.name) else path)


def _labels(bases: Sequence[_Run]) -> list[str]:
    """A name for each: its method; its criterion, where others of the method have another; what else tells it apart."""
    criteria = grouped(bases, lambda run: run.record.method)
    several = {method for method, runs in criteria.items() if len({run.criterion for run in runs}) > 1}
    labels = [
        ", ".join(filter(None, [run.record.method, run.criterion * (run.record.method in several), run.variant]))
        for run in bases
    ]
    namesakes = grouped(zip(labels, bases, strict=True), lambda pair: pair[0])
    keys = {label: differing([run.way for _, run in pairs]) for label, pairs in namesakes.items()}
    return [
        ", ".join(filter(None, [label, _words(run.way, keys[label])])) for label, run in zip(labels, bases, strict=True)
    ]


def _points(runs: Iterable[_Run]) -> list[DensityPoint]:
    replicates = grouped(runs, lambda run: run.point).values()
    points = [
        DensityPoint(
            same[0].record.setting, tuple(sorted((run.record for run in same), key=lambda record: record.seed))
        )
        for same in replicates
    ]
    return sorted(points, key=lambda point: (-point.density.mean, point.setting))
