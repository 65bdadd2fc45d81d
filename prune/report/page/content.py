"""What the page holds: the table, the points of its frontier, and each run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.overlap.comparison import Comparison
from prune.report import figures
from prune.report.detail.run import Detail
from prune.report.figures import Figure, density, frontier, learning_curves, overlap
from prune.report.figures.run import kinds
from prune.report.figures.theme import IN_PAGE
from prune.report.summary import RunSummary, summaries_of
from prune.results.cells import cells
from prune.results.formats.text import Lines, as_latex, as_markdown
from prune.results.layout import AUDIT_PAGE
from prune.results.pareto import COSTS, dense_points_of, points_of
from prune.results.published_rows import published_rows
from prune.results.record import Record
from prune.results.rows import RUN, Row, Spread
from prune.results.selection import columns_of
from prune.results.table import legend, table_rows
from prune.runtime.sanitize import one_line
from prune.tasks.metrics.specs import MetricSpec


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    cells: tuple[str, ...]
    sort: tuple[float | str | None, ...]
    """What each of its columns is sorted by; None: the cell is empty."""
    runs: tuple[int, ...]
    """Numbers of its runs, one for each seed; none for a dense model or a baseline."""
    task: str


@dataclass(frozen=True)
class Page:
    """Everything on the page that does not wait until a run is opened, as its scripts read it."""

    title: str
    columns: Sequence[str]
    legend: str
    entries: list[Entry]
    copies: Mapping[str, Lines]
    """The table in each format that it can be copied in; its rows are those of `entries`."""
    runs: list[RunSummary]
    metrics: dict[str, dict[str, Any]]
    """Task -> of its main metric the title of its axis, for each way to show it, and the `margin` that counts."""
    points: figures.Rows
    dense: figures.Rows
    published: figures.Rows
    densities: list[Figure]
    """The metric over density: see prune/report/figures/density.py."""
    learning_curves: list[Figure]
    """The metric over training compute: see prune/report/figures/learning_curves.py."""
    overlaps: list[Figure]
    """How far runs agree on what they keep: see prune/report/figures/overlap.py."""
    audited: bool
    """Whether there is a page of an audit beside it."""
    problems: list[str]
    specs: dict[str, Any]


def page_of(
    outputs: Path,
    records: Mapping[Path, Record],
    problems: list[str],
    unfinished: Sequence[RunSummary],
    details: Mapping[Path, Detail],
    comparisons: Sequence[Comparison] = (),
) -> Page:
    """The page over `records` and the `unfinished` runs under `outputs`, `details` of both, and `comparisons` of what
    runs keep."""
    every = list(records.values())
    rows = table_rows(every)
    caption = legend(rows)
    metrics = metrics_of(every)
    densities, overlaps = list(density.drawn(every, IN_PAGE)), list(overlap.drawn(comparisons, IN_PAGE))
    learning = list(learning_curves.drawn([(one, details[folder]) for folder, one in records.items()], IN_PAGE))
    return Page(
        title=one_line(outputs.resolve().name),
        columns=columns_of(rows),
        legend=caption,
        entries=list(_entries(rows, every)),
        copies={"markdown": as_markdown(rows, caption), "latex": as_latex(rows, caption)},
        runs=[*summaries_of(records), *unfinished],
        metrics={
            task: {measure: frontier.y_title(measure, metric) for measure in frontier.Y_TITLES}
            | {"margin": metric.shown(metric.margin)}
            for task, metric in metrics.items()
        },
        points=frontier.rows(points_of(every)),
        dense=frontier.rows(dense_points_of(every)),
        published=frontier.published_points(
            row for task, metric in metrics.items() for row in published_rows(task, metric.name)
        ),
        densities=[figure for figure, _ in densities],
        learning_curves=[figure for figure, _ in learning],
        overlaps=[figure for figure, _ in overlaps],
        audited=(outputs / AUDIT_PAGE).is_file(),
        problems=problems,
        specs=_specs(sorted({record.method for record in every}))
        | {figure.kind: spec for figure, spec in [*densities, *learning, *overlaps]},
    )


def metrics_of(records: Sequence[Record]) -> dict[str, MetricSpec]:
    """Task -> its main metric."""
    return {record.task: record.spec for record in records}


def _specs(methods: list[str]) -> dict[str, Any]:
    return kinds(IN_PAGE) | {"overlap": overlap.spec(IN_PAGE)} | {
        f"frontier-{cost}-{measure}": frontier.spec(cost, measure, "{title}", methods, IN_PAGE)
        for cost in COSTS for measure in frontier.Y_TITLES
    }  # fmt: skip


def _entries(rows: Sequence[Row], records: Sequence[Record]) -> Iterator[Entry]:
    """The lines of `prune table`, each with its runs."""
    numbers = {id(record): number for number, record in enumerate(records)}
    columns = columns_of(rows)
    for row in rows:
        texts = cells(row, columns)
        figures = (row.params, row.value, row.difference, row.speedup, row.speedup_over_eager)[: len(columns) - 2]
        runs = tuple(numbers[id(record)] for record in row.records) if row.kind == RUN else ()
        yield Entry(texts, (*texts[:2], *map(_sorted_by, figures)), runs, row.task)


def _sorted_by(figure: Spread | None) -> float | None:
    return figure.mean if figure and math.isfinite(figure.mean) else None
