"""The table for people: in a terminal, in Markdown, in LaTeX; and all its formats by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from prune.report.data_formats import as_csv, as_json
from prune.results.rows import DENSE, RUN, Row, Spread
from prune.results.selection import COLUMNS
from prune.runtime.sanitize import for_markdown, one_line

Cells = tuple[str, ...]
_SHOWN = 500
"""Rows that a terminal gets; rich takes longer over more of them than it takes to read the records."""


def cells(row: Row) -> Cells:
    """What stands in the columns, each on one line and without control characters."""
    level, best = f" ({row.level} level!)" if row.level else "", " *" if row.best else ""
    found = (
        ", ".join([row.model, row.task, *_replicates(row)]),
        ", ".join(filter(None, [row.method, row.setting, row.told_apart])) + (f" ({row.source})" if row.source else ""),
        _figure(row.params, "{:.0f}", 100, " %"),
        f"{row.metric} {_figure(row.value, '{:.2f}', 100)}{level}{best}",
        _figure(row.difference, "{:+.2f}", 100),
        _figure(row.speedup, "{:.2f}", 1, "x"),
    )
    return tuple(map(one_line, found))


def _replicates(row: Row) -> Iterable[str]:
    num = len(row.seeds)
    if num > 1:
        yield f"{num} seeds" if len(set(row.seeds)) == num else f"{num} runs"
    elif any(row.seeds):
        yield f"seed {row.seeds[0]}"
    if row.kind == RUN and len(row.measured_on) > 1:
        yield f"on {len(row.measured_on)} kinds of hardware"
    if row.source:
        yield "published"


def _figure(spread: Spread | None, form: str, scale: float, unit: str = "") -> str:
    if spread is None:
        return ""
    deviation = form.replace("+", "").format(scale * spread.deviation) if spread.deviation is not None else ""
    return form.format(scale * spread.mean) + unit + (f" ± {deviation}" if deviation else "")


def as_rich(rows: Sequence[Row], legend: str) -> Table:
    """For a terminal."""
    if len(rows) > _SHOWN:
        legend = f"The first {_SHOWN} of {len(rows)} rows; format=markdown gives all. {legend}"
    table = Table(caption=Text(legend), caption_justify="left")
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for row in rows[:_SHOWN]:
        table.add_row(*map(Text, cells(row)), style="dim" if row.kind == DENSE else "")
    return table


@dataclass(frozen=True)
class Lines:
    """A table as text: what stands before its rows, a line for each of them, and what stands after."""

    head: list[str]
    rows: list[str]
    foot: list[str]

    def __str__(self) -> str:
        return "\n".join([*self.head, *self.rows, *self.foot]) + "\n"


def as_markdown(rows: Sequence[Row], legend: str) -> Lines:
    """With the legend below."""
    head, rule, *lines = (
        f"| {' | '.join(line)} |"
        for line in [COLUMNS, ("---",) * len(COLUMNS), *(tuple(map(for_markdown, cells(row))) for row in rows)]
    )
    return Lines([head, rule], lines, ["", for_markdown(legend)])


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "[": "{[}", "]": "{]}", "±": r"$\pm$",
}  # fmt: skip
"""A bracket would be read as an argument where a row begins."""


def as_latex(rows: Sequence[Row], legend: str) -> Lines:
    """A tabular with the rules of booktabs, to be put in a document."""
    above = [r"% \usepackage{booktabs}", f"% {legend}", r"\begin{tabular}{llrlrr}", r"\toprule"]
    return Lines(
        [*above, _latex_line(COLUMNS), r"\midrule"],
        [_latex_line(cells(row)) for row in rows],
        [r"\bottomrule", r"\end{tabular}"],
    )


def _latex_line(texts: Cells) -> str:
    escaped = ("".join(_LATEX.get(one, one) for one in text) for text in texts)
    return " & ".join(re.sub("^-", "$-$", text) for text in escaped) + r" \\"


FORMATS: dict[str, Callable[[Sequence[Row], str], str]] = {
    "markdown": lambda rows, legend: str(as_markdown(rows, legend)),
    "latex": lambda rows, legend: str(as_latex(rows, legend)),
    "csv": lambda rows, _: as_csv(rows),
    "json": lambda rows, _: as_json(rows),
}
