"""The records of an outputs folder, and the files of the table beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from prune.files.atomic import write_at_once
from prune.results.formats import as_text
from prune.results.layout import RESULTS_CSV, RESULTS_MD, find_records
from prune.results.reading import UnreadableRecord
from prune.results.record import Record
from prune.results.rows import Row
from prune.results.table import table_rows
from prune.runtime.sanitize import for_csv

_CSV_FIELDS = (
    "task", "model", "method", "setting", "seed", "metric", "value", "dense_value", "difference", "linear_density",
    "linear_params", "dense_linear_params", "params", "dense_params", "bytes", "dense_bytes", "speedup",
)  # fmt: skip


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
    """Writes results.csv and results.md over all records under `outputs`; returns what `read_records` returned."""
    records, problems = read_records(outputs)
    write(outputs, records, table_rows(list(records.values())))
    return records, problems


def write(outputs: Path, records: dict[Path, Record], rows: Sequence[Row]) -> None:
    """Writes results.csv, of `records`, and results.md, of all their rows."""
    write_at_once(outputs / RESULTS_CSV, records_as_csv(records))
    write_at_once(outputs / RESULTS_MD, as_text(rows, "markdown"))


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
