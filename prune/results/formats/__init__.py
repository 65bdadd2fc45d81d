"""The table as text: Markdown and LaTeX for people, CSV and JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prune.results.formats.data import as_csv, as_json
from prune.results.formats.text import as_latex, as_markdown
from prune.results.rows import Row
from prune.results.table import ALL, View, legend

FORMATS: dict[str, Callable[[Sequence[Row], str], str]] = {
    "markdown": lambda rows, legend: str(as_markdown(rows, legend)),
    "latex": lambda rows, legend: str(as_latex(rows, legend)),
    "csv": lambda rows, _: as_csv(rows),
    "json": lambda rows, _: as_json(rows),
}


def as_text(rows: Sequence[Row], form: str, view: View = ALL) -> str:
    """The table in one of `FORMATS`, with the legend where the format has one."""
    return FORMATS[form](rows, legend(rows, view))
