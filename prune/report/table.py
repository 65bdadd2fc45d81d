"""The results table: the records of a folder, as the rows and columns that the field knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from prune.files.atomic import write_at_once
from prune.published import BASE, HARDWARE
from prune.report import formats
from prune.results.dense_reference import relative_to
from prune.results.layout import RESULTS_CSV, RESULTS_MD, find_records
from prune.results.published_rows import with_published
from prune.results.reading import UnreadableRecord
from prune.results.record import Record
from prune.results.rows import Row, own, rows
from prune.results.selection import BANDS, chosen, marked, ordered, pareto
from prune.runtime.sanitize import for_csv, one_line


@dataclass(frozen=True)
class View:
    """What of the records is shown, and how."""

    filters: dict[str, str] = field(default_factory=dict)
    """Field of the record -> the values that are shown, with commas."""
    sort: str = ""
    """A column; empty: by task, model, method, and from dense to sparse."""
    reference: str | None = None
    """The model whose dense one all rows are relative to; None: each to that of its own run."""
    published: bool = False
    """Published rows of the same tasks, too."""
    pareto: bool = False
    """Without runs that another row beats in both metric and speed-up."""


ALL = View()


def shown(records: Sequence[Record], view: View = ALL) -> list[Row]:
    """The rows of the table.

    Raises:
        UserError: if what `view` asks for is not among `records`.
    """
    kept = chosen(records, view.filters)
    found = marked(rows(kept, relative_to(view.reference, records, kept) if view.reference is not None else own))
    if view.pareto:
        found = pareto(found)
    if view.published:
        found = with_published(found)
    return ordered(found, view.sort) if view.sort else found


def legend(found: Sequence[Row], view: View = ALL) -> str:
    """What the columns of the rows `found` mean."""
    name = f"the dense {view.reference}" if view.reference else "dense"
    against = f"{name} of the same task" if view.reference else "the dense model of the same run"
    parts = [
        f"params: weights left in the prunable linear layers, relative to {name}.",
        f"metric and difference: in points, against {against}.",
        f"speed-up: measured, {'its' if view.reference else 'dense'} time over pruned time, at the largest batch size.",
    ]
    if view.reference and any(row.records and row.speedup is None and row.difference for row in found):
        parts.append(f"Without speed-up: {view.reference} was not timed at the same batch, length and hardware.")
    if any(row.value.deviation is not None for row in found):
        parts.append("±: standard deviation over the seeds.")
    if any(row.best for row in found):
        edges = ", ".join(f"{edge:g}" for edge in BANDS)
        parts.append(f"*: the best above chance of its task, model and band of speed-ups (parted at {edges}).")
    if view.pareto:
        parts.append("Runs that another row of the same task and model beats in metric and speed-up are left out.")
    if view.published:
        parts.append(
            f"published: {HARDWARE}, all columns relative to {BASE}, speed-up over a whole evaluation set; that of a "
            "distilled model is its architecture's."
        )
    return one_line(" ".join(parts))


def as_text(found: Sequence[Row], form: str, view: View = ALL) -> str:
    """The table in one of `formats.FORMATS`."""
    return formats.FORMATS[form](found, legend(found, view))


def as_rich(records: Sequence[Record]) -> Table:
    """The table of `records` for a terminal."""
    found = shown(records)
    return formats.as_rich(found, legend(found))


_CSV_FIELDS = (
    "task", "model", "method", "setting", "seed", "metric", "value", "dense_value", "difference", "linear_density",
    "linear_params", "dense_linear_params", "params", "dense_params", "bytes", "dense_bytes", "speedup",
)  # fmt: skip


def records_as_csv(records: dict[Path, Record]) -> str:
    """All figures, one line per record, unrounded; `run` is the folder relative to the outputs folder."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("run", *_CSV_FIELDS, "speedup_by_batch_size", "speedup_theoretical_by_batch_size"))
    for path, record in records.items():
        measured = " ".join(f"{s['batch_size']}:{s['speedup']:.4f}" for s in record.speed)
        theoretical = " ".join(f"{s['batch_size']}:{s['speedup_theoretical']:.4f}" for s in record.speed)
        values = (getattr(record, name) for name in _CSV_FIELDS)
        writer.writerow(map(for_csv, (path.as_posix(), *values, measured, theoretical)))
    return stream.getvalue()


def read_records(outputs: Path) -> tuple[dict[Path, Record], list[str]]:
    """All records under `outputs` by their run's folder, and what is wrong with those that cannot be read."""
    records, problems = {}, []
    for file in find_records(outputs):
        try:
            records[file.parent.relative_to(outputs)] = Record.read(file)
        except UnreadableRecord as error:
            problems.append(f"left out of the table: {error}")
    return records, problems


def write_tables(outputs: Path) -> tuple[dict[Path, Record], list[str]]:
    """Writes results.csv and results.md over all records under `outputs`; returns what `read_records` found."""
    records, problems = read_records(outputs)
    write(outputs, records, shown(list(records.values())))
    return records, problems


def write(outputs: Path, records: dict[Path, Record], every: Sequence[Row]) -> None:
    """Writes results.csv, of `records`, and results.md, of all their rows."""
    write_at_once(outputs / RESULTS_CSV, records_as_csv(records))
    write_at_once(outputs / RESULTS_MD, as_text(every, "markdown"))
