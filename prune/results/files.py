"""The records of an outputs folder, and the files of the table beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from prune.files.atomic import write_at_once
from prune.results.formats import as_text
from prune.results.layout import RESULTS_CSV, RESULTS_MD, find_records
from prune.results.reading import UnreadableRecord
from prune.results.record import Record
from prune.results.rows import Row
from prune.results.table import table_rows
from prune.results.unfinished import reason_of
from prune.runtime.sanitize import for_csv

_Drawn = TypeVar("_Drawn")

_CSV_FIELDS = (
    "task", "model", "method", "setting", "seed", "metric", "value", "dense_value", "difference", "linear_density",
    "linear_params", "dense_linear_params", "params", "dense_params", "bytes", "dense_bytes", "speedup",
)  # fmt: skip


class Tables(NamedTuple):
    """What the files of the table hold."""

    records: dict[Path, Record]
    """Run folder, relative to the outputs folder -> its record."""
    rows: list[Row]
    """Of all records."""
    problems: list[str]
    """What is wrong with records that were left out, and why the files are not written."""


def read_records(outputs: Path) -> tuple[dict[Path, Record], list[str]]:
    """All records under `outputs` by their run's folder, and what is wrong with those that cannot be read."""
    records, problems = {}, []
    for file in find_records(outputs):
        try:
            records[file.parent.relative_to(outputs)] = Record.read(file)
        except UnreadableRecord as error:
            problems.append(f"left out of the table: {error}")
        except Exception as error:  # whatever it is, it takes no other record with it
            problems.append(f"left out of the table: {file}: {reason_of(error)}")
    return records, problems


def without_bad(
    records: dict[Path, Record], drawn: Callable[[dict[Path, Record]], _Drawn]
) -> tuple[_Drawn, dict[Path, Record], list[str]]:
    """What `drawn` makes of `records` without those that it can make nothing of; the others, and what is wrong with
    those."""
    try:
        return drawn(records), records, []
    except Exception:
        wrong = {folder: error for folder, record in records.items() if (error := _error_of(drawn, {folder: record}))}
        if not wrong:
            raise
    left = {folder: record for folder, record in records.items() if folder not in wrong}
    return drawn(left), left, [f"left out: {folder}: {reason_of(error)}" for folder, error in wrong.items()]


def _error_of(drawn: Callable[[dict[Path, Record]], object], records: dict[Path, Record]) -> Exception | None:
    try:
        drawn(records)
    except Exception as error:
        return error
    return None


def write_tables(outputs: Path) -> Tables:
    """Writes results.csv and results.md over all records under `outputs`, if one may; returns what they hold."""
    read, unreadable = read_records(outputs)
    (rows, csv_text, markdown), records, bad = without_bad(read, _texts)
    unwritten = []
    try:
        write_at_once(outputs / RESULTS_CSV, csv_text)
        write_at_once(outputs / RESULTS_MD, markdown)
    except OSError as error:
        unwritten = [f"{RESULTS_CSV} and {RESULTS_MD} are not written: {outputs}: {error.strerror}"]
    return Tables(records, rows, [*unreadable, *bad, *unwritten])


def _texts(records: dict[Path, Record]) -> tuple[list[Row], str, str]:
    rows = table_rows(list(records.values()))
    return rows, records_as_csv(records), as_text(rows, "markdown")


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
