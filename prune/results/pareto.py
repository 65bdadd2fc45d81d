"""Metric against cost: a point for each configuration and batch size, and the ones that no other beats."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prune.results.record import Record

COSTS = {"speedup": 1, "density": -1, "params": -1, "latency": -1}
"""What a metric is looked at against; 1: more of it is better, -1: less."""
Spread = tuple[float, float, float]
"""Mean, smallest, largest."""


@dataclass(frozen=True)
class Point:
    """One configuration at one batch size, over its seeds; or the dense model behind some."""

    task: str
    model: str
    method: str
    label: str
    batch: int
    runs: tuple[int, ...]
    """Numbers of its records; none for a dense model."""
    figures: dict[str, Spread]
    """`value` and `difference` in points, and those of COSTS: millions of parameters, milliseconds."""
    gain: float
    """The value, turned so that more is better."""
    facts: tuple[tuple[str, str], ...]
    """What there is to tell, in words."""


def points_of(records: Sequence[Record]) -> list[Point]:
    """A point for each configuration and batch size it was timed at, in the order of the records."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, record in enumerate(records):
        groups[record.task, record.model, record.method, record.configuration].append(number)
    return [point for numbers in groups.values() for point in _points(numbers, [records[n] for n in numbers])]


def dense_points_of(records: Sequence[Record]) -> list[Point]:
    """A point for each task, dense model and batch size: the reference."""
    groups: dict[tuple[str, str, int], list[Record]] = defaultdict(list)
    for record in records:
        for speed in record.speed:
            groups[record.task, record.model, speed["batch_size"]].append(record)
    return [_dense_point(alike, batch) for (_, _, batch), alike in groups.items()]


def frontier(points: Iterable[Point], cost: str) -> Iterator[list[Point]]:
    """For each task, model, method and batch size the points that none of the others beats, from the least to the most
    of `cost`: none has at least as good a metric at no more cost."""
    groups: dict[Hashable, list[Point]] = defaultdict(list)
    for point in points:
        if cost in point.figures:
            groups[point.task, point.model, point.method, point.batch].append(point)
    for alike in groups.values():
        front: list[Point] = []
        for point in sorted(alike, key=lambda p: (-COSTS[cost] * p.figures[cost][0], -p.gain)):
            if not front or point.gain > front[-1].gain:
                front.append(point)
        yield sorted(front, key=lambda p: p.figures[cost][0])


def _points(numbers: list[int], records: list[Record]) -> Iterator[Point]:
    first = records[0]
    sizes = {speed["batch_size"]: None for record in records for speed in record.speed}
    for batch in sizes:
        timed = [(record, at) for record in records if (at := timing(record, batch)) is not None]
        figures = {
            "value": _spread(100 * record.value for record in records),
            "difference": _spread(100 * record.difference for record in records),
            "speedup": _speedups([at for _, at in timed]),
            "density": _spread(record.linear_density for record in records),
            "params": _spread(record.params / 1e6 for record in records),
        }
        if all("model_ms" in at for _, at in timed):
            figures["latency"] = _spread(at["model_ms"] for _, at in timed)
        yield Point(
            task=first.task,
            model=first.model,
            method=first.method,
            label=f"{first.method}, {first.setting}",
            batch=batch,
            runs=tuple(numbers),
            figures=figures,
            gain=figures["value"][0] if first.higher_is_better else -figures["value"][0],
            facts=tuple(_facts(records, timed[-1][1], figures)),
        )


def timing(record: Record, batch: int) -> dict[str, Any] | None:
    """The measurement of its speed at a batch size, the last one if there are several."""
    return next((one for one in reversed(record.speed) if one["batch_size"] == batch), None)


def _spread(values: Iterable[float]) -> Spread:
    found = list(values)
    return statistics.fmean(found), min(found), max(found)


def _speedups(timed: list[dict[str, Any]]) -> Spread:
    """Over seeds; of a single run, over its pairs of measurements: their quartiles."""
    if len(timed) == 1 and "speedup_quartiles" in timed[0]:
        low, high = timed[0]["speedup_quartiles"]
        return timed[0]["speedup"], low, high
    return _spread(one["speedup"] for one in timed)


def _facts(records: list[Record], at: dict[str, Any], figures: dict[str, Spread]) -> Iterator[tuple[str, str]]:
    first = records[0]
    dense = statistics.fmean(100 * record.dense_value for record in records)
    several = len(records) > 1
    yield first.metric, _text(figures["value"], ".2f", several)
    yield "against dense", f"{_text(figures['difference'], '+.2f', several)} points (dense {dense:.2f})"
    yield (
        "speed-up",
        f"{_text(figures['speedup'], '.2f', True)} times, multiply-adds say {at['speedup_theoretical']:.2f}",
    )
    if "latency" in figures:
        yield "time of a batch", f"{_text(figures['latency'], '.3g', several)} ms (dense {at['dense_ms']:.3g} ms)"
    yield "measured at", f"batch {at['batch_size']} x {at['length']} tokens, {first.measured_on}"
    yield "density", _text(figures["density"], ".3f", several)
    yield "parameters", f"{_text(figures['params'], '.2f', several)} million of {first.dense_params / 1e6:.2f}"
    seeds = ", ".join(str(record.seed) for record in records)
    yield "seeds" if several else "seed", seeds


def _text(spread: Spread, form: str, with_range: bool) -> str:
    mean, low, high = (f"{number:{form}}" for number in spread)
    return f"{mean} ({low} to {high})" if with_range and low != high else mean


def _dense_point(records: list[Record], batch: int) -> Point:
    first = records[0]
    models = {(record.seed, record.dense_value, record.dense_params): record for record in records}.values()
    figures = {
        "value": _spread(100 * record.dense_value for record in models),
        "difference": (0.0, 0.0, 0.0),
        "speedup": (1.0, 1.0, 1.0),
        "density": (1.0, 1.0, 1.0),
        "params": _spread(record.dense_params / 1e6 for record in models),
    }
    times = [at["dense_ms"] for record in records if (at := timing(record, batch)) and "dense_ms" in at]
    if times:
        figures["latency"] = _spread(times)
    value = _text(figures["value"], ".2f", True)
    facts = [(first.metric, value), ("parameters", f"{figures['params'][0]:.2f} million")]
    if times:
        facts.append((f"time of a batch of {batch}", f"{_text(figures['latency'], '.3g', True)} ms"))
    label, gain = f"dense {first.model}", figures["value"][0] * (1 if first.higher_is_better else -1)
    return Point(first.task, first.model, "dense", label, batch, (), figures, gain, tuple(facts))
