"""Rows of the table: one per configuration, with mean and deviation over its seeds, below their dense model."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from prune.config.identity import dense_identity, run_identity
from prune.results.record import CONSTANT, Record

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
        found = list(values)
        mean = sum(found) / len(found)
        if len(found) == 1 or not math.isfinite(mean):
            return Spread(mean)
        return Spread(mean, math.sqrt(sum((value - mean) * (value - mean) for value in found) / (len(found) - 1)))


@dataclass(frozen=True)
class Row:
    """One line. Figures are fractions; the difference is in the metric's own direction, also where lower is better."""

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
    seeds: tuple[int, ...] = ()
    """One per record or, for a dense model, per fine-tuning."""
    level: str = ""
    """What the value is no better than, if so."""
    best: bool = False
    """Of its band of speeds: see prune/results/selection.py."""
    told_apart: str = ""
    """What differs from other rows of the same name."""
    source: str = ""
    """Of published figures: the hardware, and what they are relative to."""
    measured_on: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    """Of runs; of a dense model, one run of each of its fine-tunings."""

    @property
    def gain(self) -> float:
        """The value, turned so that higher is better."""
        return self.value.mean if self.higher_is_better else -self.value.mean


@dataclass(frozen=True)
class Base:
    """What a record's columns are relative to."""

    linear_params: int
    value: float
    times_faster: float | None
    """The record's own dense model over this one, in speed; None where their times cannot be compared."""


def own(record: Record) -> Base:
    """The dense model of the record's own run."""
    return Base(record.dense_linear_params, record.dense_value, 1.0)


def rows(records: Iterable[Record], base: Callable[[Record], Base] = own) -> list[Row]:
    """For each task and dense model its row, the baseline's, and those of its runs, from dense to sparse.

    Args:
        base: What a record's columns are relative to.
    """
    result: list[Row] = []
    families = grouped(records, _dense_key).values()
    for family in sorted(
        families, key=lambda f: (f[0].task, f[0].model, min(r.dense_value for r in f), f[0].fine_tuning)
    ):
        result.append(_dense_row(family, base))
        if family[0].baseline != CONSTANT:
            result.append(_baseline_row(family, base))
        groups = grouped(family, _run_key).values()
        result += (_run_row(g, base) for g in sorted(groups, key=lambda g: (g[0].method, -_density(g), _order(g))))
    return list(_told_apart(result))


def grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    groups: dict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _dense_key(record: Record) -> Hashable:
    scored = record.task, record.task_version, record.metric, record.higher_is_better, record.baseline
    return *scored, record.model, record.fine_tuning


def _run_key(record: Record) -> Hashable:
    return record.method, record.setting, record.configuration


def _order(records: list[Record]) -> tuple[str, str]:
    """Something to sort by that does not hang on the order of the files."""
    return records[0].setting, records[0].configuration


def _density(records: list[Record]) -> float:
    return Spread.over(record.linear_density for record in records).mean


def dense_models(records: Iterable[Record]) -> list[Record]:
    """One record for each dense model that stands behind `records`."""
    return list({(r.seed, r.dense_value, r.dense_linear_params): r for r in records}.values())


def _dense_row(records: list[Record], base: Callable[[Record], Base]) -> Row:
    models = sorted(dense_models(records), key=lambda record: record.seed)
    bases = [base(record) for record in models]
    differences = [record.dense_value - one.value for record, one in zip(models, bases, strict=True)]
    times = [one.times_faster for record in records if (one := base(record)).times_faster is not None]
    return _row(
        DENSE,
        models,
        [record.dense_value for record in models],
        method="dense",
        params=Spread.over(r.dense_linear_params / one.linear_params for r, one in zip(models, bases, strict=True)),
        difference=Spread.over(differences) if any(differences) else None,
        speedup=Spread(Spread.over(times).mean) if times else None,
    )


def _baseline_row(records: list[Record], base: Callable[[Record], Base]) -> Row:
    models = sorted(dense_models(records), key=lambda record: record.seed)
    return _row(
        BASELINE,
        models,
        [record.chance for record in models],
        method=records[0].baseline,
        difference=Spread.over(record.chance - base(record).value for record in models),
    )


def _run_row(records: list[Record], base: Callable[[Record], Base]) -> Row:
    records = sorted(records, key=lambda record: record.seed)
    bases = [base(record) for record in records]
    pairs = list(zip(records, bases, strict=True))
    times = [record.speedup * one.times_faster for record, one in pairs if one.times_faster is not None]
    return _row(
        RUN,
        records,
        [record.value for record in records],
        method=records[0].method,
        setting=records[0].setting,
        params=Spread.over(record.linear_params / one.linear_params for record, one in pairs),
        difference=Spread.over(record.value - one.value for record, one in pairs),
        speedup=Spread.over(times) if times else None,
    )


def _row(kind: str, records: list[Record], values: list[float], **columns: Any) -> Row:
    first, value = records[0], Spread.over(values)
    no_better = kind != BASELINE and all(record.is_chance(value.mean) for record in records)
    return Row(
        kind=kind,
        task=first.task,
        model=first.model,
        metric=first.metric,
        higher_is_better=first.higher_is_better,
        value=value,
        seeds=tuple(record.seed for record in records),
        level=("chance" if first.baseline == CONSTANT else first.baseline) if no_better else "",
        measured_on=tuple(sorted({record.measured_on for record in records})),
        records=tuple(records),
        **columns,
    )


def _told_apart(found: list[Row]) -> Iterator[Row]:
    """`found`, where rows of one name say what differs from the defaults in some of them only."""
    names = grouped(found, lambda row: (row.kind, row.task, row.model, row.method, row.setting))
    apart: dict[int, str] = {}
    for alike in (rows for rows in names.values() if len(rows) > 1):
        identity = run_identity if alike[0].kind == RUN else dense_identity
        values = [flat(identity(row.records[0].named)) for row in alike]
        keys = {key for one in values for key in one}
        differ = sorted(key for key in keys if len({one.get(key) for one in values}) > 1)
        for row, one in zip(alike, values, strict=True):
            apart[id(row)] = ", ".join(f"{key}={one[key]}" for key in differ if key in one)
    return (replace(row, told_apart=apart[id(row)]) if id(row) in apart else row for row in found)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings: dotted key -> value, as one would say it on the command line."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        elif value is not None:
            plain = isinstance(value, str) and value.isprintable()
            found[prefix + key] = value if plain else json.dumps(value, separators=(",", ":"))
    return found
