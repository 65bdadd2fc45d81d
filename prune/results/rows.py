"""Rows of the table: one per configuration, with mean and deviation over its seeds, below their dense model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from prune.config.identity import dense_identity, run_identity
from prune.results.record import Record
from prune.results.settings import differing, flat_settings
from prune.tasks.metrics.specs import CONSTANT, MetricSpec, spec_of

DENSE, BASELINE, RUN, PUBLISHED = "dense", "baseline", "run", "published"
_Item = TypeVar("_Item")
_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Spread:
    """A figure over replicates."""

    mean: float
    deviation: float | None = None
    """Standard deviation of the sample; None of a single value."""

    @staticmethod
    def over(values: Iterable[float]) -> Spread:
        """Mean and deviation of `values`."""
        sample = list(values)
        mean = sum(sample) / len(sample)
        if len(sample) == 1 or not math.isfinite(mean):
            return Spread(mean)
        return Spread(mean, math.sqrt(sum((value - mean) * (value - mean) for value in sample) / (len(sample) - 1)))


@dataclass(frozen=True)
class Row:
    """One line. Value and difference are as records hold them: the difference is value minus reference, also where
    lower is better."""

    kind: str
    """dense, baseline (a simple way to do the task), run, or published."""
    task: str
    model: str
    method: str
    metric: str
    higher_is_better: bool
    value: Spread
    setting: str = ""
    params: Spread | None = None
    """Weights left in the prunable layers, relative to the dense model."""
    difference: Spread | None = None
    speedup: Spread | None = None
    speedup_over_eager: Spread | None = None
    """Over the dense model in PyTorch's eager mode, in float32; None where it is not known of all."""
    seeds: tuple[int, ...] = ()
    """One per record or, for a dense model, per fine-tuning."""
    no_better_than: str = ""
    """The baseline, where the value is not clearly better: `chance`, or its name."""
    best: bool = False
    """Whether it is the best of its band of speeds: see prune/results/selection.py."""
    distinguishing_settings: str = ""
    """The settings that rows of the same name differ in, as one gives them on the command line."""
    source: str = ""
    """Of published figures: the hardware, and what they are relative to."""
    measured_on: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    """Of runs; of a dense model, one run of each of its fine-tunings."""

    @property
    def is_of_another_runtime(self) -> bool:
        """Whether PyTorch's eager mode in float32 is not what its speed-up was measured in."""
        return self.kind == RUN and any(one.speed[-1].get("speedup_over_eager") is not None for one in self.records)

    @property
    def is_disturbed(self) -> bool:
        """Whether a speed-up in it was measured while other work took the cores."""
        return self.kind == RUN and any(record.is_disturbed for record in self.records)

    @property
    def spec(self) -> MetricSpec:
        """The metric."""
        return spec_of(self.metric, self.higher_is_better)

    @property
    def gain(self) -> float:
        """The value, turned so that higher is better."""
        return self.spec.gain(self.value.mean)


@dataclass(frozen=True)
class Reference:
    """The dense model that a record's columns are relative to."""

    linear_params: int
    value: float
    relative_time: float | None
    """Its time per batch over that of the dense model of the record's own run; None where they cannot be compared."""


def own_dense_model(record: Record) -> Reference:
    """The dense model of the record's own run."""
    return Reference(record.dense_linear_params, record.dense_value, 1.0)


def rows(records: Iterable[Record], reference_of: Callable[[Record], Reference] = own_dense_model) -> list[Row]:
    """For each task and dense model its row, the baseline's, and those of its runs, from dense to sparse."""
    result: list[Row] = []
    families = grouped(records, dense_key).values()
    for family in sorted(
        families, key=lambda f: (f[0].task, f[0].model, min(r.dense_value for r in f), f[0].fine_tuning)
    ):
        result.append(_dense_row(family, reference_of))
        if family[0].baseline != CONSTANT:
            result.append(_baseline_row(family, reference_of))
        groups = grouped(family, _run_key).values()
        result += (
            _run_row(g, reference_of) for g in sorted(groups, key=lambda g: (g[0].method, -_density(g), _order(g)))
        )
    return list(_with_distinguishing_settings(result))


def grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    """The items by their key, each group in their order."""
    groups: dict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def dense_key(record: Record) -> Hashable:
    """The same for all records that may be compared with one dense model: its task, metric, name and fine-tuning."""
    scored = record.task, record.task_version, record.metric, record.higher_is_better, record.baseline
    return *scored, record.model, record.fine_tuning


def _run_key(record: Record) -> Hashable:
    return record.method, record.setting, record.configuration


def _order(replicates: list[Record]) -> tuple[str, str]:
    """Does not depend on the order of the files."""
    return replicates[0].setting, replicates[0].configuration


def _density(replicates: list[Record]) -> float:
    return Spread.over(record.linear_density for record in replicates).mean


def dense_models(records: Iterable[Record]) -> list[Record]:
    """One record for each dense model that `records` were pruned from."""
    return list({(r.seed, r.dense_value, r.dense_linear_params): r for r in records}.values())


def _dense_row(records: list[Record], reference_of: Callable[[Record], Reference]) -> Row:
    models = sorted(dense_models(records), key=lambda record: record.seed)
    pairs = [(record, reference_of(record)) for record in models]
    differences = [record.dense_value - reference.value for record, reference in pairs]
    times = [time for record in records if (time := reference_of(record).relative_time) is not None]
    return _row(
        DENSE,
        models,
        [record.dense_value for record in models],
        method="dense",
        params=Spread.over(record.dense_linear_params / reference.linear_params for record, reference in pairs),
        difference=Spread.over(differences) if any(differences) else None,
        speedup=Spread(Spread.over(times).mean) if times else None,
    )


def _baseline_row(records: list[Record], reference_of: Callable[[Record], Reference]) -> Row:
    models = sorted(dense_models(records), key=lambda record: record.seed)
    return _row(
        BASELINE,
        models,
        [record.chance for record in models],
        method=records[0].baseline,
        difference=Spread.over(record.chance - reference_of(record).value for record in models),
    )


def _run_row(replicates: list[Record], reference_of: Callable[[Record], Reference]) -> Row:
    replicates = sorted(replicates, key=lambda record: record.seed)
    pairs = [(record, reference_of(record)) for record in replicates]
    speedups = [
        record.speedup * reference.relative_time for record, reference in pairs if reference.relative_time is not None
    ]
    over_eager = [over for record in replicates if (over := record.speedup_over_eager) is not None]
    return _row(
        RUN,
        replicates,
        [record.value for record in replicates],
        method=replicates[0].method,
        setting=replicates[0].setting,
        params=Spread.over(record.linear_params / reference.linear_params for record, reference in pairs),
        difference=Spread.over(record.value - reference.value for record, reference in pairs),
        speedup=Spread.over(speedups) if speedups else None,
        speedup_over_eager=Spread.over(over_eager) if len(over_eager) == len(replicates) else None,
    )


def _row(kind: str, records: list[Record], values: list[float], **columns: Any) -> Row:
    first, value = records[0], Spread.over(values)
    is_chance = kind != BASELINE and all(record.is_chance(value.mean) for record in records)
    return Row(
        kind=kind,
        task=first.task,
        model=first.model,
        metric=first.metric,
        higher_is_better=first.higher_is_better,
        value=value,
        seeds=tuple(record.seed for record in records),
        no_better_than=("chance" if first.baseline == CONSTANT else first.baseline) if is_chance else "",
        measured_on=tuple(sorted({record.measured_on for record in records})),
        records=tuple(records),
        **columns,
    )


def _with_distinguishing_settings(rows: list[Row]) -> Iterator[Row]:
    """`rows`, where those of one name have the settings that they differ in, unless these are the defaults."""
    names = grouped(rows, lambda row: (row.kind, row.task, row.model, row.method, row.setting))
    settings: dict[int, str] = {}
    for namesakes in (group for group in names.values() if len(group) > 1):
        identity = run_identity if namesakes[0].kind == RUN else dense_identity
        flat = [flat_settings(identity(row.records[0].non_default_settings)) for row in namesakes]
        keys = sorted(differing(flat))
        for row, values in zip(namesakes, flat, strict=True):
            settings[id(row)] = ", ".join(f"{key}={values[key]}" for key in keys if key in values)
    return (replace(row, distinguishing_settings=settings[id(row)]) if id(row) in settings else row for row in rows)
