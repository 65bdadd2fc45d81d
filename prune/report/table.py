"""The results table: one row per record, the dense row above, in the columns that the field knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from prune.outputs import RESULTS_CSV, RESULTS_MD, find_records, write_at_once
from prune.report.record import CONSTANT, Record

COLUMNS = ("model", "method", "params", "metric", "difference", "speed-up")
Row = tuple[str, ...]


def rows(records: Iterable[Record]) -> list[Row]:
    """The columns of the table: for each task, model and seed the dense row, then its runs."""
    ordered = sorted(records, key=lambda r: (r.task, r.model, r.seed, r.dense_value, r.method, -r.linear_density))
    result: list[Row] = []
    reference: Any = None
    for record in ordered:
        dense = (record.task, record.model, record.seed, record.dense_value, record.dense_params)
        if dense != reference:
            reference = dense
            result.append(_dense_row(record))
            if record.baseline != CONSTANT:
                result.append(_baseline_row(record))
        result.append(_row(record))
    return result


def _name(record: Record) -> str:
    return f"{record.model}, {record.task}" + (f", seed {record.seed}" if record.seed else "")


def _metric(record: Record, value: float) -> str:
    level = "chance" if record.baseline == CONSTANT else record.baseline
    return f"{record.metric} {100 * value:.2f}" + (f" ({level} level!)" if record.is_chance(value) else "")


def _dense_row(record: Record) -> Row:
    return (_name(record), "dense", "100 %", _metric(record, record.dense_value), "", "1.00x")


def _baseline_row(record: Record) -> Row:
    value = f"{record.metric} {100 * record.chance:.2f}"
    return (_name(record), record.baseline, "", value, f"{100 * (record.chance - record.dense_value):+.2f}", "")


def _row(record: Record) -> Row:
    return (
        _name(record),
        f"{record.method}, {record.setting}",
        f"{100 * record.linear_params / record.dense_linear_params:.0f} %",
        _metric(record, record.value),
        f"{100 * record.difference:+.2f}",
        f"{record.speedup:.2f}x",
    )


LEGEND = (
    "params: weights left in the prunable linear layers, relative to dense. metric and difference: in points, against "
    "the dense model of the same run. speed-up: measured, dense time over pruned time, at the largest batch size."
)


def as_markdown(records: list[Record]) -> str:
    """The table in Markdown, with its legend."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(records)]
    text = "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
    return f"{text}\n\n{LEGEND}\n"


def as_rich(records: list[Record]) -> Table:
    """The table for a terminal."""
    table = Table(*COLUMNS, caption=LEGEND, caption_justify="left")
    for row in rows(records):
        table.add_row(*map(escape, row), style="dim" if row[1] == "dense" else "")
    return table


_CSV_FIELDS = (
    "task", "model", "method", "setting", "seed", "metric", "value", "dense_value", "difference", "linear_density",
    "linear_params", "dense_linear_params", "params", "dense_params", "bytes", "dense_bytes", "speedup",
)  # fmt: skip


def as_csv(records: dict[Path, Record]) -> str:
    """All figures, one line per record, unrounded; `run` is the folder relative to the outputs folder."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("run", *_CSV_FIELDS, "speedup_by_batch_size", "speedup_theoretical_by_batch_size"))
    for path, record in records.items():
        measured = " ".join(f"{s['batch_size']}:{s['speedup']:.4f}" for s in record.speed)
        theoretical = " ".join(f"{s['batch_size']}:{s['speedup_theoretical']:.4f}" for s in record.speed)
        values = (getattr(record, name) for name in _CSV_FIELDS)
        writer.writerow((path.as_posix(), *values, measured, theoretical))
    return stream.getvalue()


def read_records(outputs: Path) -> tuple[dict[Path, Record], list[str]]:
    """All records under `outputs` by their run's folder, and what is wrong with those that cannot be read."""
    records, problems = {}, []
    for file in find_records(outputs):
        try:
            records[file.parent.relative_to(outputs)] = Record.read(file)
        except (ValueError, TypeError, AttributeError, OSError) as error:
            problems.append(f"{file} is left out of the table: {error}")
    return records, problems


def write_tables(outputs: Path) -> tuple[dict[Path, Record], list[str]]:
    """Writes results.csv and results.md over all records under `outputs`; returns what `read_records` found."""
    records, problems = read_records(outputs)
    write_at_once(outputs / RESULTS_CSV, as_csv(records))
    write_at_once(outputs / RESULTS_MD, as_markdown(list(records.values())))
    return records, problems
