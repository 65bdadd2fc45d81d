"""The table in Markdown and in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from prune.results.cells import Cells, cells
from prune.results.rows import Row
from prune.results.selection import columns_of
from prune.runtime.sanitize import for_markdown


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
    columns = columns_of(rows)
    texts = (tuple(map(for_markdown, cells(row, columns))) for row in rows)
    head, rule, *lines = (f"| {' | '.join(line)} |" for line in [columns, ("---",) * len(columns), *texts])
    return Lines([head, rule], lines, ["", for_markdown(legend)])


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "[": "{[}", "]": "{]}", "±": r"$\pm$",
}  # fmt: skip
"""A bracket would be read as an argument where a row begins."""


def as_latex(rows: Sequence[Row], legend: str) -> Lines:
    """A tabular with the rules of booktabs, to be put in a document."""
    columns = columns_of(rows)
    alignment = "llrlrr".ljust(len(columns), "r")
    above = [r"% \usepackage{booktabs}", f"% {legend}", rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    return Lines(
        [*above, _latex_line(columns), r"\midrule"],
        [_latex_line(cells(row, columns)) for row in rows],
        [r"\bottomrule", r"\end{tabular}"],
    )


def _latex_line(texts: Cells) -> str:
    escaped = ("".join(_LATEX.get(one, one) for one in text) for text in texts)
    return " & ".join(re.sub("^-", "$-$", text) for text in escaped) + r" \\"
