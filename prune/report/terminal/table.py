"""The results table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from prune.results.cells import cells
from prune.results.record import Record
from prune.results.rows import DENSE, Row
from prune.results.selection import COLUMNS
from prune.results.table import legend, table_rows

_MOST_ROWS = 500
"""rich takes longer over more of them than it takes to read the records."""


def draw_table(rows: Sequence[Row], legend: str) -> Table:
    """The table, with the legend below; of very many rows the first."""
    if len(rows) > _MOST_ROWS:
        legend = f"The first {_MOST_ROWS} of {len(rows)} rows; format=markdown gives all. {legend}"
    table = Table(caption=Text(legend), caption_justify="left")
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*map(Text, cells(row)), style="dim" if row.kind == DENSE else "")
    return table


def table_of(records: Sequence[Record]) -> Table:
    """The table over all of `records`."""
    rows = table_rows(records)
    return draw_table(rows, legend(rows))
