"""Comparisons of what runs keep, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from prune.overlap.comparison import Comparison
from prune.overlap.formats import LEGEND, cell, labels, layer_names, layer_rows, title

_MOST_COLUMNS = 10
"""Of one table. More follow below."""
_MOST_ROWS = 500


def draw_overlap(comparisons: Sequence[Comparison], layers: bool) -> Group:
    """A matrix for each comparison and, if `layers`, the figures of each layer below it; the legend last."""
    tables = [table for one in comparisons for table in [*_matrix(one), *(_layers(one) if layers else ())]]
    return Group(*tables, Text(LEGEND, style="dim"))


def _matrix(comparison: Comparison) -> Iterator[Table]:
    """The lower half, as several tables where it is wide."""
    names = labels(comparison)
    for start, columns in _pieces([str(number + 1) for number in range(len(names))]):
        if start and start == len(names) - 1 and comparison.at(start, start) is None:
            return
        table = _table(title(comparison), "", columns)
        for row, name in list(enumerate(names))[start:]:
            cells = (cell(comparison, row, start + n, "\n") for n in range(len(columns)) if start + n <= row)
            table.add_row(Text(name, overflow="fold"), *map(Text, cells))
        yield table


def _layers(comparison: Comparison) -> Iterator[Table]:
    rows = layer_rows(comparison, "\n")
    for start, columns in _pieces(layer_names(comparison)):
        table = _table(f"{title(comparison)}, layer by layer", "pair", columns)
        for name, *cells in rows[:_MOST_ROWS]:
            table.add_row(Text(name), *map(Text, cells[start : start + len(columns)]))
        if len(rows) > _MOST_ROWS:
            table.caption = f"The first {_MOST_ROWS} of {len(rows)} rows; format=csv gives all."
        yield table


def _pieces(columns: list[str]) -> Iterator[tuple[int, list[str]]]:
    """`columns` in pieces that fit side by side, each with the number of its first."""
    for start in range(0, len(columns), _MOST_COLUMNS):
        yield start, columns[start : start + _MOST_COLUMNS]


def _table(name: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=Text(name), title_justify="left", leading=1)
    table.add_column(first, overflow="fold", min_width=12)
    for column in columns:
        table.add_column(Text(column), justify="right")
    return table
