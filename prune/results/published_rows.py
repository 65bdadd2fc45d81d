"""Published rows, to compare one's own with."""

from __future__ import annotations

from dataclasses import replace

from prune.errors import UserError
from prune.published import BASE, HARDWARE, Comparator, PublishedNetwork, comparators, networks
from prune.results.rows import PUBLISHED, Row, Spread
from prune.tasks.metrics.specs import spec_of

_METRICS = {"squad": "f1", "mnli": "accuracy"}
"""The pruned networks' metric on each of their tasks."""


def with_published(rows: list[Row]) -> list[Row]:
    """`rows`, and after those of each task what is published of it in the same metric.

    Raises:
        UserError: if that is nothing.
    """
    result: list[Row] = []
    for task in dict.fromkeys(row.task for row in rows):
        measured = [row for row in rows if row.task == task]
        result += measured
        for metric in dict.fromkeys(row.metric for row in measured):
            result += published_rows(task, metric)
    if len(result) == len(rows):
        known = ", ".join(dict.fromkeys(published.task for published in comparators()))
        raise UserError(f"published=true: there are no published figures for these tasks and metrics, but for: {known}")
    return result


def published_rows(task: str, metric: str) -> list[Row]:
    """What is published of a task in a metric: BERT-base, which the others' differences are relative to; distilled and
    pruned models."""
    others = [
        _row(published, metric, published.name, "dense" if published.name == BASE else "distilled", points)
        for published in comparators()
        if published.task == task and (points := published.points(metric)) is not None
    ]
    pruned = [
        _row(published, metric, published.base, f"{published.method}, {published.name}", published.metric)
        for published in networks()
        if published.task == task and metric == _METRICS[task]
    ]
    return [
        row if row.model == BASE else replace(row, difference=Spread(row.value.mean - others[0].value.mean))
        for row in others + pruned
    ]


def _row(published: Comparator | PublishedNetwork, metric: str, model: str, method: str, points: float) -> Row:
    return Row(
        kind=PUBLISHED,
        task=published.task,
        model=model,
        method=method,
        metric=metric,
        higher_is_better=spec_of(metric).higher_is_better,
        value=Spread(points / spec_of(metric).scale),
        params=Spread(published.params),
        speedup=Spread(published.speedup),
        source=f"{HARDWARE}, relative to {BASE}",
    )
