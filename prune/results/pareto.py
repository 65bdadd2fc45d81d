"""Metric against cost: a point for each configuration and batch size, and those that no other beats."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prune.results.record import Record
from prune.runtime.wording import batch_in_words
from prune.tasks.metrics.specs import POINTS

COSTS = {"speedup": 1, "density": -1, "params": -1, "latency": -1, "compute": -1}
"""What a metric is looked at against; 1: more of it is better, -1: less."""
PER_COMPUTE = 1e12
"""Floating-point operations, in which the compute of trainings is counted."""


@dataclass(frozen=True)
class Range:
    """A figure over replicates."""

    mean: float
    low: float
    high: float

    @staticmethod
    def over(values: Iterable[float]) -> Range:
        """Mean, smallest and largest of `values`."""
        sample = list(values)
        return Range(statistics.fmean(sample), min(sample), max(sample))

    def text(self, form: Callable[[float], str]) -> str:
        """The mean, with the range unless it is empty."""
        return form(self.mean) + (f" ({form(self.low)} to {form(self.high)})" if self.low != self.high else "")


@dataclass(frozen=True)
class Point:
    """One configuration at one batch size, over its seeds; or the dense model of some."""

    task: str
    model: str
    method: str
    label: str
    batch: int
    runs: tuple[int, ...]
    """Numbers of its records; none for a dense model."""
    figures: dict[str, Range]
    """`value` and `difference` in the unit that the metric is shown in, and those of COSTS: millions of parameters,
    milliseconds, 10^12 floating-point operations of training."""
    gain: float
    """The value, turned so that more is better."""
    facts: tuple[tuple[str, str], ...]
    """Names and texts for people."""


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
    return [_dense_point(group, batch) for (_, _, batch), group in groups.items()]


def frontier(points: Iterable[Point], cost: str) -> Iterator[list[Point]]:
    """For each task, model, method and batch size the points that none of the others beats, from the least to the most
    of `cost`: none has at least as good a metric at no more cost. Of equal points the first."""
    groups: dict[Hashable, list[Point]] = defaultdict(list)
    for point in points:
        if cost in point.figures:
            groups[point.task, point.model, point.method, point.batch].append(point)
    for group in groups.values():
        rated = [(COSTS[cost] * point.figures[cost].mean, point.gain) for point in group]
        front = {rated[number]: group[number] for number in reversed(pareto_front(rated))}
        yield sorted(front.values(), key=lambda point: point.figures[cost].mean)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other dominates: none is at least as high in both and higher in one.

    From the highest to the lowest in the first; equal points in their order.
    """
    front: list[int] = []
    for index in sorted(range(len(points)), key=points.__getitem__, reverse=True):
        best = points[front[-1]] if front else None
        if best is None or points[index][1] > best[1] or points[index] == best:
            front.append(index)
    return front


def _points(numbers: list[int], records: list[Record]) -> Iterator[Point]:
    first = records[0]
    sizes = {speed["batch_size"]: None for record in records for speed in record.speed}
    for batch in sizes:
        timed = [(record, at) for record in records if (at := timing(record, batch)) is not None]
        figures = {
            "value": Range.over(first.spec.shown(record.value) for record in records),
            "difference": Range.over(first.spec.shown(record.difference) for record in records),
            "speedup": _speedups([at for _, at in timed]),
            "density": Range.over(record.linear_density for record in records),
            "params": Range.over(record.params / 1e6 for record in records),
        }
        if all("model_ms" in at for _, at in timed):
            figures["latency"] = Range.over(at["model_ms"] for _, at in timed)
        figures |= _compute([record.training_flops for record in records])
        yield Point(
            task=first.task,
            model=first.model,
            method=first.method,
            label=f"{first.method}, {first.setting}",
            batch=batch,
            runs=tuple(numbers),
            figures=figures,
            gain=first.spec.gain(figures["value"].mean),
            facts=tuple(_facts(records, timed[-1][1], figures)),
        )


def _compute(flops: Sequence[float | None]) -> dict[str, Range]:
    """Of trainings, where all are known."""
    known = [one / PER_COMPUTE for one in flops if one is not None]
    return {"compute": Range.over(known)} if known and len(known) == len(flops) else {}


def timing(record: Record, batch: int) -> dict[str, Any] | None:
    """The measurement of its speed at a batch size, the last one if there are several."""
    return next((one for one in reversed(record.speed) if one["batch_size"] == batch), None)


def _speedups(timed: list[dict[str, Any]]) -> Range:
    """Over seeds; of a single run, over its pairs of measurements: their quartiles."""
    if len(timed) == 1 and "speedup_quartiles" in timed[0]:
        return Range(timed[0]["speedup"], *timed[0]["speedup_quartiles"])
    return Range.over(at["speedup"] for at in timed)


def _facts(records: list[Record], at: dict[str, Any], figures: dict[str, Range]) -> Iterator[tuple[str, str]]:
    first, spec = records[0], records[0].spec
    dense = statistics.fmean(record.dense_value for record in records)
    difference = Range.over(record.difference for record in records).text(spec.format_difference)
    points = f" {POINTS}" if spec.unit == POINTS else ""
    yield spec.title, Range.over(record.value for record in records).text(spec.format_value)
    yield "against dense", f"{difference}{points} (dense {spec.format_value(dense)})"
    yield (
        "speed-up",
        f"{figures['speedup'].text('{:.2f}'.format)} times, multiply-adds say {at['speedup_theoretical']:.2f}",
    )
    if "latency" in figures:
        yield "time of a batch", f"{figures['latency'].text('{:.3g}'.format)} ms (dense {at['dense_ms']:.3g} ms)"
    yield "measured at", f"batch {batch_in_words(at)}, {first.measured_on}"
    yield "density", figures["density"].text("{:.3f}".format)
    yield "parameters", f"{figures['params'].text('{:.2f}'.format)} million of {first.dense_params / 1e6:.2f}"
    if "compute" in figures:
        yield "training compute", f"{figures['compute'].text('{:.4g}'.format)} x 10^12 operations"
    yield "model", first.model
    seeds = ", ".join(str(record.seed) for record in records)
    yield "seeds" if len(records) > 1 else "seed", seeds


def _dense_point(records: list[Record], batch: int) -> Point:
    first, spec = records[0], records[0].spec
    models = list({(record.seed, record.dense_value, record.dense_params): record for record in records}.values())
    figures = {
        "value": Range.over(spec.shown(record.dense_value) for record in models),
        "difference": Range(0.0, 0.0, 0.0),
        "speedup": Range(1.0, 1.0, 1.0),
        "density": Range(1.0, 1.0, 1.0),
        "params": Range.over(record.dense_params / 1e6 for record in models),
    }
    times = [at["dense_ms"] for record in records if (at := timing(record, batch)) and "dense_ms" in at]
    if times:
        figures["latency"] = Range.over(times)
    figures |= _compute([record.dense_training_flops for record in models])
    facts = [
        (spec.title, Range.over(record.dense_value for record in models).text(spec.format_value)),
        ("parameters", f"{figures['params'].mean:.2f} million"),
    ]
    if times:
        facts.append((f"time of a batch of {batch}", f"{figures['latency'].text('{:.3g}'.format)} ms"))
    if "compute" in figures:
        facts.append(("training compute", f"{figures['compute'].text('{:.4g}'.format)} x 10^12 operations"))
    gain = spec.gain(figures["value"].mean)
    return Point(first.task, first.model, "dense", f"dense {first.model}", batch, (), figures, gain, tuple(facts))
