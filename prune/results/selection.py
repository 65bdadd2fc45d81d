"""Which rows the table shows, in which order, and which it marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from prune.errors import UserError
from prune.results.pareto import pareto_front
from prune.results.record import Record
from prune.results.rows import DENSE, RUN, Row, Spread, grouped
from prune.runtime.registry import nearest

FILTERS = ("task", "model", "method", "seed")
COLUMNS = ("model", "method", "params", "metric", "difference", "speed-up")
OVER_EAGER = "over eager"
"""A further column where speeds were measured in other runtimes."""
BANDS = (1.5, 2.5, 4.0, 6.0)
"""Speed-ups that separate one band from the next."""


def filtered(records: Iterable[Record], filters: Mapping[str, str]) -> list[Record]:
    """The records that pass all `filters`: field -> one value, or several separated by commas.

    Raises:
        UserError: if no record has one of the values, with the nearest that some record has; or if no record passes.
    """
    kept = everything = list(records)
    for name, text in filters.items():
        present = {str(getattr(record, name)) for record in everything}
        wanted = {text} if text in present else {value.strip() for value in text.split(",")}
        for value in sorted(wanted - present):
            known = sorted(present)
            raise UserError(f"{name}={value}: there is no such run{nearest(value, known)}. There: {', '.join(known)}")
        kept = [record for record in kept if str(getattr(record, name)) in wanted]
    if everything and not kept:
        raise UserError("no run is all of " + " ".join(f"{name}={text}" for name, text in filters.items()))
    return kept


def columns_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The columns of a table of these rows."""
    return (*COLUMNS, OVER_EAGER) if any(row.is_of_another_runtime for row in rows) else COLUMNS


def band(speedup: float) -> str:
    """The name of the band of speeds that `speedup` falls in."""
    edges = ["", *(f"{edge:g}" for edge in BANDS), ""]
    number = sum(speedup >= edge for edge in BANDS)
    low, high = edges[number], edges[number + 1]
    return f"{low}-{high}" if low and high else f"from {low}" if low else f"below {high}"


def with_best_marked(rows: list[Row]) -> list[Row]:
    """`rows`, where the best run above chance of each task, model and band of speeds is marked as best."""
    candidates = [row for row in rows if row.kind == RUN and row.speedup and not row.no_better_than]
    bands = grouped(candidates, lambda row: (row.task, row.model, row.metric, band(_speed(row))))
    best = {id(max(rivals, key=lambda row: (row.gain, _speed(row)))) for rivals in bands.values()}
    return [replace(row, best=True) if id(row) in best else row for row in rows]


def without_beaten(rows: list[Row]) -> list[Row]:
    """`rows` without the runs that another row of the same task and model beats: at least as good in metric and speed,
    and better in one of them."""
    timed = [row for row in rows if row.kind in (RUN, DENSE) and row.speedup]
    beaten: set[int] = set()
    for rivals in grouped(timed, lambda row: (row.task, row.model, row.metric)).values():
        front = set(pareto_front([(_speed(row), row.gain) for row in rivals]))
        beaten |= {id(row) for number, row in enumerate(rivals) if number not in front and row.kind == RUN}
    return [row for row in rows if id(row) not in beaten]


def sorted_by(rows: list[Row], column: str) -> list[Row]:
    """Each task's rows, best first in `column`; names from a to z, rows without a figure there last."""
    return sorted(rows, key=lambda row: (row.task, *_rank(row, column)))


def _rank(row: Row, column: str) -> tuple[bool, float | str]:
    if column in ("model", "method"):
        return False, f"{getattr(row, column)}, {row.setting}" if column == "method" else row.model
    direction = row.spec.gain(1)
    figure, sign = {
        "params": (row.params, -1),
        "metric": (row.value, direction),
        "difference": (Spread(0.0) if row.kind == DENSE and not row.difference else row.difference, direction),
        "speed-up": (row.speedup, 1),
        OVER_EAGER: (row.speedup_over_eager, 1),
    }[column]
    return figure is None, -sign * figure.mean if figure else 0.0


def _speed(row: Row) -> float:
    return row.speedup.mean if row.speedup else 0.0
