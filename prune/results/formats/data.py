"""The table for programs, JSON and CSV: fractions, unrounded, with all scores and speeds, without a legend."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prune.config.keys import flatten
from prune.results.record import Record
from prune.results.rows import DENSE, RUN, Row, Spread
from prune.results.selection import band
from prune.runtime.sanitize import for_csv

Nested = Mapping[str, Mapping[str, float]]


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects, one per row. A figure over seeds has a mean and a deviation; what is infinite is null."""
    return json.dumps([figures(row) for row in rows], indent=1) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """The same, one line per row, with a column for each figure that some row has."""
    lines = [_flat(figures(row)) for row in rows]
    stream = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(for_csv, names))
    writer.writerows(map(for_csv, map(line.get, names)) for line in lines)
    return stream.getvalue()


def figures(row: Row) -> dict[str, Any]:
    """All figures of a row. `to_dense` is always relative to the dense model of the same run."""
    runs = row.records if row.kind == RUN else ()
    scored = [record.scores for record in runs] or [record.dense_scores for record in row.records if row.kind == DENSE]
    return {
        "kind": row.kind,
        "task": row.task,
        "model": row.model,
        "method": row.method,
        "setting": row.setting,
        "distinguishing_settings": row.distinguishing_settings,
        "configuration": runs[0].configuration if runs else None,
        "seeds": list(row.seeds),
        "metric": row.metric,
        "higher_is_better": row.higher_is_better,
        "value": _plain(row.value),
        "difference": _plain(row.difference),
        "params": _plain(row.params),
        "speedup": _plain(row.speedup),
        "speedup_over_eager": _plain(row.speedup_over_eager),
        "disturbed": row.is_disturbed,
        "linear_density": _over(record.linear_density for record in runs),
        "bytes": _over(record.bytes for record in runs),
        "training_flops": _over(flops for flops in _training_flops(row) if flops is not None),
        "scores": _nested(scored),
        "to_dense": _nested(map(_to_dense, runs)),
        "speeds": _nested(map(_speeds, runs)),
        "no_better_than": row.no_better_than or None,
        "band": band(row.speedup.mean) if runs and row.speedup else None,
        "best_of_band": row.best,
        "measured_on": list(row.measured_on),
        "published": row.source or None,
    }


def _training_flops(row: Row) -> Iterable[float | None]:
    if row.kind == DENSE:
        return (record.dense_training_flops for record in row.records)
    return (record.training_flops for record in row.records if row.kind == RUN)


def _to_dense(record: Record) -> Nested:
    return {
        split: {name: value - dense[name] for name, value in scores.items() if name in dense}
        for split, scores in record.scores.items()
        if (dense := record.dense_scores.get(split)) is not None
    }


def _speeds(record: Record) -> Nested:
    """By batch size and length."""
    kinds = ("speedup", "speedup_theoretical")
    return {f"{s['batch_size']}x{s.get('length')}": {kind: s[kind] for kind in kinds} for s in record.speed}


def _nested(replicates: Iterable[Nested]) -> dict[str, dict[str, Any]]:
    """Each figure over the replicates that have it."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for replicate in replicates:
        for outer, inner in replicate.items():
            for name, value in inner.items():
                values[outer][name].append(value)
    return {outer: {name: _over(sample) for name, sample in inner.items()} for outer, inner in values.items()}


def _over(values: Iterable[float]) -> dict[str, float | None]:
    sample = list(values)
    return _plain(Spread.over(sample) if sample else None)


def _plain(spread: Spread | None) -> dict[str, float | None]:
    if spread is None or not math.isfinite(spread.mean):
        return {"mean": None, "deviation": None}
    return {"mean": spread.mean, "deviation": spread.deviation}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted name -> figure or text; several texts are separated by `; `."""
    columns = {one.key: one.value for one in flatten(row) if one.value != {}}
    return {name: "; ".join(map(str, value)) if isinstance(value, list) else value for name, value in columns.items()}
