"""`prune table [folder] [key=value ...]`: writes results.csv and results.md anew and shows the table."""

from __future__ import annotations

import gc
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from prune.cli.commands import display, given, one_of, truth
from prune.errors import UserError

if TYPE_CHECKING:
    from prune.results.table import View

USAGE = (
    ("prune table [folder]", "the table over all results, also as format=markdown, csv, json or latex"),
    ("prune table task=sst2 sort=speedup", "filtered (task, model, method, seed) and sorted (any column)"),
    ("prune table reference=bert_base pareto=true", "relative to one dense model; without what is beaten"),
    ("prune table probe=hans", "the accuracy on a probe instead of the metric"),
    ("prune table published=true", "beside the figures of the literature"),
)
_OPTIONS = ("sort", "reference", "probe", "published", "pareto", "format")
_MOST_TOLD = 50
"""Runs that an error lists."""


def run_command(words: list[str]) -> None:
    """Reads all records under a folder, and shows what of them the words choose."""
    enabled = gc.isenabled()
    gc.disable()  # records are many small objects that stay: it would look for garbage among them again and again
    try:
        _show_table(words)
    finally:
        if enabled:
            gc.enable()


def _show_table(words: list[str]) -> None:
    from prune.report.terminal.table import draw_table, draw_unfinished
    from prune.results.files import write_tables
    from prune.results.formats import FORMATS, as_text
    from prune.results.selection import FILTERS
    from prune.results.table import ALL, legend, table_rows
    from prune.results.unfinished import passes, unfinished_runs
    from prune.runtime.screen import Screen

    named = bool(words) and "=" not in words[0]
    folder = Path(words[0] if named else "outputs")
    values = given("table", words[named:], (*FILTERS, *_OPTIONS))
    view, form = _view(values), values.get("format")
    if form is not None:
        one_of("table", "format", form, list(FORMATS))
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the outputs folder: prune table <folder>")
    records, every, problems = write_tables(folder)
    for problem in problems:
        Screen().warn(problem)
    unfinished = {run: status for run, status in unfinished_runs(folder).items() if passes(run, view.filters)}
    if not records:
        told = (f"{run}: {status}" for run, status in islice(unfinished.items(), _MOST_TOLD))
        raise UserError("\n".join([f"{folder} holds no finished run", *told]))
    rows = every if view == ALL else table_rows(list(records.values()), view)
    if form is not None:
        sys.stdout.write(as_text(rows, form, view))
        return
    display(draw_table(rows, legend(rows, view)))
    if unfinished:
        display(draw_unfinished(unfinished))


def _view(values: dict[str, str]) -> View:
    from prune.results.selection import COLUMNS, FILTERS, OVER_EAGER
    from prune.results.table import View

    sort = values.get("sort", "")
    if "sort" in values:
        sort = one_of("table", "sort", "speed-up" if sort == "speedup" else sort, [*COLUMNS, OVER_EAGER])
    return View(
        filters={name: values[name] for name in FILTERS if name in values},
        sort=sort,
        reference=values.get("reference"),
        probe=values.get("probe", ""),
        published=truth("table", values, "published", default=False),
        pareto=truth("table", values, "pareto", default=False),
    )
