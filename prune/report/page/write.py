"""Writes the page and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prune.files.atomic import write_at_once
from prune.report.detail.run import detail_of
from prune.report.figures import frontier
from prune.report.figures.files import save
from prune.report.figures.theme import LIGHT
from prune.report.page.content import Page, metrics_of, page_of
from prune.report.page.html import html_of
from prune.report.summary import summary_of_unfinished
from prune.results.files import read_records
from prune.results.layout import REPORT
from prune.results.pareto import COSTS
from prune.results.record import Record
from prune.results.unfinished import unfinished_runs
from prune.runtime.progress_bar import track


def write_report(outputs: Path) -> Path:
    """Writes the page over all records under `outputs`, and its figures as files; returns the page's path.

    A pure function of records and run folders. What had to be read from weights is cached in the run folders.

    Raises:
        OSError: if they cannot be written.
    """
    records, problems = read_records(outputs)
    unfinished = unfinished_runs(outputs)
    runs = [*records.items(), *((folder, None) for folder in unfinished)]
    details = [detail_of(outputs / folder, record) for folder, record in track(runs, "reading runs", len(runs))]
    of_unfinished = [
        summary_of_unfinished(folder, detail, status)
        for (folder, status), detail in zip(unfinished.items(), details[len(records) :], strict=True)
    ]
    page = page_of(outputs, records, problems, of_unfinished)
    write_at_once(outputs / REPORT, html_of(page, [record for _, record in runs], details))
    write_frontiers(page, list(records.values()), outputs)
    return outputs / REPORT


def write_frontiers(page: Page, records: Sequence[Record], outputs: Path) -> None:
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
            save(spec, data, outputs, f"{task}-{cost}")
