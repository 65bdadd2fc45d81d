"""The page: one file that shows all results, opens from disk, and needs no network."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from prune.files.atomic import write_at_once
from prune.files.paths import cache_folder
from prune.report import figures
from prune.report.detail import Detail, detail_of
from prune.report.figures import frontier, overlap
from prune.report.figures.files import save
from prune.report.figures.of_run import MAPS, figures_of, kinds
from prune.report.figures.theme import DARK, FONT, IN_PAGE, LIGHT
from prune.report.figures.units import layer_labels
from prune.report.formats import Lines, as_latex, as_markdown, cells
from prune.report.summary import ToldRun, again, told_runs, told_unfinished
from prune.report.table import legend, read_records, shown
from prune.results.layout import REPORT, find_unfinished
from prune.results.pareto import COSTS, dense_points_of, points_of
from prune.results.published_rows import published_rows
from prune.results.record import Record
from prune.results.rows import RUN, Row, Spread
from prune.results.selection import COLUMNS
from prune.runtime.progress_bar import track
from prune.runtime.sanitize import one_line

_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("parts.js", "chart.js", "frontier.js", "results.js", "detail.js", "compare.js", "main.js")
_PARTS = ("recipe", "kept", "figures", "maps")
_LARGEST = 14_000_000
"""Bytes of the page. What is told of single runs beside their records takes the room that the rest leaves."""


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    cells: tuple[str, ...]
    sort: tuple[float | str | None, ...]
    """What each of its columns is sorted by; None: it says nothing there."""
    runs: tuple[int, ...]
    """Numbers of its runs, one for each seed; none for a dense model or a baseline."""
    task: str


@dataclass(frozen=True)
class Page:
    """All that the page holds, as its scripts read it."""

    title: str
    columns: Sequence[str]
    legend: str
    entries: list[Entry]
    copies: Mapping[str, Lines]
    """The table in each format that it can be copied in; its rows are those of `entries`."""
    runs: list[ToldRun]
    metrics: dict[str, str]
    """Task -> its main metric."""
    points: figures.Rows
    dense: figures.Rows
    published: figures.Rows
    problems: list[str]
    specs: dict[str, Any]


def write_report(outputs: Path) -> Path:
    """Writes the page over all records under `outputs`, and its figures as files; returns the page's path.

    A pure function of records and run folders. What had to be read from weights is kept in the run folders.

    Raises:
        OSError: if they cannot be written.
    """
    records, problems = read_records(outputs)
    unfinished = [folder.relative_to(outputs) for folder in find_unfinished(outputs)]
    total = len(records) + len(unfinished)
    pairs = [*records.items(), *((folder, None) for folder in unfinished)]
    details = [detail_of(outputs / folder, one) for folder, one in track(pairs, "reading runs", total)]
    page = _page(outputs, records, problems, dict(zip(unfinished, details[len(records) :], strict=True)))
    write_at_once(outputs / REPORT, _html(page, [one for _, one in pairs], details))
    _write_frontiers(page, outputs)
    return outputs / REPORT


def _page(
    outputs: Path,
    records: Mapping[Path, Record],
    problems: list[str],
    unfinished: Mapping[Path, Detail],
) -> Page:
    every = list(records.values())
    rows = shown(every)
    told = legend(rows)
    metrics = {record.task: record.metric for record in every}
    methods = sorted({record.method for record in every})
    runs = [*told_runs(records), *(told_unfinished(folder, detail) for folder, detail in unfinished.items())]
    return Page(
        title=one_line(outputs.resolve().name),
        columns=COLUMNS,
        legend=told,
        entries=list(_entries(rows, every)),
        copies={"markdown": as_markdown(rows, told), "latex": as_latex(rows, told)},
        runs=runs,
        metrics=metrics,
        points=frontier.rows(points_of(every)),
        dense=frontier.rows(dense_points_of(every)),
        published=frontier.published_points(
            row for task, metric in metrics.items() for row in published_rows(task, metric)
        ),
        problems=problems,
        specs=_specs(methods),
    )


def _specs(methods: list[str]) -> dict[str, Any]:
    return kinds(IN_PAGE) | {"overlap": overlap.spec(IN_PAGE)} | {
        f"frontier-{cost}-{measure}": frontier.spec(cost, measure, "{metric}", methods, IN_PAGE)
        for cost in COSTS for measure in frontier.Y_TITLES
    }  # fmt: skip


def _entries(rows: Sequence[Row], records: Sequence[Record]) -> Iterator[Entry]:
    """The lines of `prune table`, each with its runs."""
    numbers = {id(record): number for number, record in enumerate(records)}
    for row in rows:
        told = cells(row)
        figures = (row.params, row.value, row.difference, row.speedup)
        runs = tuple(numbers[id(record)] for record in row.records) if row.kind == RUN else ()
        yield Entry(told, (*told[:2], *map(_sorted_by, figures)), runs, row.task)


def _sorted_by(figure: Spread | None) -> float | None:
    return figure.mean if figure and math.isfinite(figure.mean) else None


def _parts(
    runs: Sequence[ToldRun], records: Sequence[Record | None], details: Sequence[Detail], room: int
) -> list[dict[str, str]]:
    """For each run what is looked at only when it is opened, compressed; in all at most `room` bytes.

    Of all runs their recipe first, then what they kept, and of the last ones the most.
    """
    found: list[dict[str, str]] = [{} for _ in records]
    for name in _PARTS:
        for number in reversed(range(len(records))):
            content = _part(name, Path(runs[number].folder), records[number], details[number])
            packed = _packed(content) if content else ""
            room -= len(packed)
            if room < 0:
                return found
            if packed:
                found[number][name] = packed
    return found


def _part(name: str, folder: Path, record: Record | None, detail: Detail) -> Any:
    if name == "recipe":
        return detail.recipe and {"text": detail.recipe, "command": again(detail.recipe, folder)}
    if name == "kept":
        labels = layer_labels(detail.sublayers)
        return [
            {"layer": labels[one.name], "site": one.site, "units": one.num_units, "kept": one.kept}
            for one in detail.sublayers
        ]
    return [vars(one) for one in figures_of(record, detail) if (one.kind == MAPS) == (name == "maps")]


def _packed(content: Any) -> str:
    return base64.b64encode(gzip.compress(_json(content).encode(), mtime=0)).decode()


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"), default=vars)


def _html(page: Page, records: Sequence[Record | None], details: Sequence[Detail]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    content, library = _in_script(_json(vars(page))), _library()
    parts = _parts(page.runs, records, details, _LARGEST - len(content.encode()) - len(library.encode()))
    return environment.get_template("report.html").render(
        title=page.title,
        data=content,
        parts=_in_script(_json(parts)),
        light=LIGHT,
        dark=DARK,
        font=FONT,
        library=library,
        scripts=_SCRIPTS,
    )


def _in_script(text: str) -> str:
    """JSON that ends no script element and begins none."""
    return text.replace("<", "\\u003c")


def _library() -> str:
    """Vega and Vega-Lite as one script, without network: put together once per version, where it can be kept."""
    file = cache_folder() / f"vega-{version('vl-convert-python')}.js"
    if file.exists():
        return file.read_text("utf-8")
    text: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with contextlib.suppress(OSError):
        write_at_once(file, text)
    return text


def _write_frontiers(page: Page, outputs: Path) -> None:
    """A figure for each task and cost, at its largest batch size."""
    for task, metric in page.metrics.items():
        mine = [row for row in page.points if row["task"] == task]
        batch = max(row["batch"] for row in mine)
        methods = sorted({row["method"] for row in page.points})
        for cost in COSTS:
            points = [row for row in mine if row["batch"] == batch and cost in row]
            if not points:
                continue
            data = {
                "points": points,
                "front": [row for row in points if cost in row["front"]],
                "dense": [row for row in page.dense if (row["task"], row["batch"]) == (task, batch) and cost in row],
                "published": [
                    row for row in page.published if row["task"] == task and {cost, "difference"} <= row.keys()
                ],
            }
            spec = frontier.spec(cost, "difference", metric, methods, LIGHT)
            spec["params"][0]["value"] = sorted({row["method"] for row in points})
            save(spec, data, outputs, f"{task}-{cost}")
