"""The results table in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from rich.table import Table
from rich.text import Text

from prune.results.cells import cells
from prune.results.record import Record
from prune.results.rows import DENSE, Row
from prune.results.selection import columns_of
from prune.results.table import legend, table_rows
from prune.results.unfinished import Status

_MOST_ROWS = 500
"""rich takes longer over more of them than it takes to read the records."""


def draw_table(rows: Sequence[Row], legend: str) -> Table:
    """The table, with the legend below; of very many rows the first."""
    if len(rows) > _MOST_ROWS:
        legend = f"The first {_MOST_ROWS} of {len(rows)} rows; format=markdown gives all. {legend}"
    table = Table(caption=Text(legend), caption_justify="left")
    columns = columns_of(rows)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*map(Text, cells(row, columns)), style="dim" if row.kind == DENSE else "")
    return table


def draw_unfinished(runs: Mapping[Path, Status]) -> Table:
    """Runs without a result, and why they have none; of very many the first."""
    table = Table(title="without a result", title_justify="left", show_header=False)
    for folder, status in islice(runs.items(), _MOST_ROWS):
        table.add_row(Text(folder.as_posix(), overflow="fold"), Text(str(status)))
    if len(runs) > _MOST_ROWS:
        table.caption = f"The first {_MOST_ROWS} of {len(runs)}."
    return table


def table_of(records: Sequence[Record]) -> Table:
    """The table over all of `records`."""
    rows = table_rows(records)
    return draw_table(rows, legend(rows))
