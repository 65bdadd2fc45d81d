"""Writes the page and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.errors import UserError
from prune.files import confined
from prune.files.atomic import write_at_once
from prune.overlap.comparison import Comparison
from prune.overlap.stored import comparisons_in
from prune.report.detail.run import Detail, detail_of
from prune.report.figures import Rows, density, frontier, learning_curves
from prune.report.figures.files import save
from prune.report.figures.theme import LIGHT
from prune.report.page.content import Page, metrics_of, page_of
from prune.report.page.html import html_of
from prune.report.summary import summary_of_unfinished
from prune.results.files import read_records, without_bad
from prune.results.layout import OVERLAP_JSON, REPORT
from prune.results.pareto import COSTS
from prune.results.record import Record
from prune.results.unfinished import reason_of, unfinished_runs
from prune.runtime.progress_bar import track


def write_report(outputs: Path, warn: Callable[[str], None] = lambda _: None) -> Path:
    """Writes the page over all records under `outputs`, and its figures as files; returns the page's path.

    A pure function of records and run folders. What had to be read from weights is cached in the run folders. Whatever
    goes wrong with one run or figure takes no other with it: the page says it, and `warn` is told what `read_records`
    does not tell.

    Raises:
        OSError: if they cannot be written.
    """
    read, unreadable = read_records(outputs)
    unfinished, wrong = unfinished_runs(outputs), list[str]()
    runs: list[tuple[Path, Record | None]] = [*read.items(), *((folder, None) for folder in unfinished)]
    details = {f: _detail(outputs, f, record, wrong) for f, record in track(runs, "reading runs", len(runs))}
    comparisons = _comparisons(outputs, wrong)
    summaries = [summary_of_unfinished(folder, details[folder], status) for folder, status in unfinished.items()]
    page, records, bad = without_bad(
        read, lambda kept: page_of(outputs, kept, unreadable, summaries, details, comparisons)
    )
    shown = [(record, details[folder]) for folder, record in runs if record is None or folder in records]
    text, undrawn = html_of(page, shown, [*bad, *wrong])
    write_at_once(outputs / REPORT, text)
    for problem in [*bad, *wrong, *undrawn]:
        warn(problem)
    write_frontiers(page, list(records.values()), outputs, warn)
    for figure, spec in learning_curves.drawn([(one, details[folder]) for folder, one in records.items()], LIGHT):
        _save(spec, figure.data, outputs, figure.name, warn, f"the figure of {figure.title} against training compute")
    for figure, spec in density.drawn(list(records.values()), LIGHT):
        _save(spec, figure.data, outputs, figure.name, warn, f"the figure of {figure.title} against density")
    return outputs / REPORT


def _detail(outputs: Path, folder: Path, record: Record | None, wrong: list[str]) -> Detail:
    """What a run's folder tells beyond its record; nothing, if anything goes wrong with it, which `wrong` gets."""
    try:
        return detail_of(outputs / folder, record)
    except Exception as error:
        wrong.append(f"shown without what lies in its folder: {folder}: {reason_of(error)}")
        return Detail()


def _comparisons(outputs: Path, wrong: list[str]) -> list[Comparison]:
    """What `prune overlap` left; nothing, if it cannot be read, which `wrong` gets."""
    file = outputs / OVERLAP_JSON
    try:
        return comparisons_in(confined.read_json(outputs, file)) if file.exists() else []
    except (OSError, ValueError) as error:
        wrong.append(f"shown without {OVERLAP_JSON}: {reason_of(error)}")
        return []


def write_frontiers(page: Page, records: Sequence[Record], outputs: Path, warn: Callable[[str], None]) -> None:
    """A figure for each task and cost, at its largest batch size."""
    for task, metric in metrics_of(records).items():
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
            spec = frontier.spec(cost, "difference", frontier.y_title("difference", metric), methods, LIGHT)
            spec["params"][0]["value"] = sorted({row["method"] for row in points})
            _save(spec, data, outputs, f"{task}-{cost}", warn, f"the figure of {task} against {cost}")


def _save(
    spec: dict[str, Any], data: Mapping[str, Rows], outputs: Path, name: str, warn: Callable[[str], None], what: str
) -> None:
    try:
        save(spec, data, outputs, name)
    except (OSError, UserError):
        raise
    except Exception as error:
        warn(f"{what} is not written: {reason_of(error)}")
