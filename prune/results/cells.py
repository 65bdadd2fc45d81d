"""The cells of the table, as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prune.results.rows import RUN, Row, Spread
from prune.results.selection import COLUMNS
from prune.runtime.sanitize import one_line

Cells = tuple[str, ...]
"""One text for each column."""


def cells(row: Row, columns: Sequence[str] = COLUMNS) -> Cells:
    """The texts of these columns, each on one line and without control characters."""
    spec = row.spec
    baseline, best = f" ({row.no_better_than} level!)" if row.no_better_than else "", " *" if row.best else ""
    method = ", ".join(filter(None, [row.method, row.setting, row.distinguishing_settings]))
    texts = (
        ", ".join([row.model, row.task, *_replicates(row)]),
        method + (f" ({row.source})" if row.source else ""),
        _figure(row.params, lambda share: f"{100 * share:.0f} %", lambda share: f"{100 * share:.0f}"),
        f"{row.metric} {_figure(row.value, spec.format_value)}{baseline}{best}",
        _figure(row.difference, spec.format_difference, spec.format_value),
        _figure(row.speedup, "{:.2f}x".format, "{:.2f}".format) + (" †" if row.is_disturbed else ""),
        _figure(row.speedup_over_eager, "{:.2f}x".format, "{:.2f}".format),
    )
    return tuple(map(one_line, texts[: len(columns)]))


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


def _figure(
    spread: Spread | None, of_mean: Callable[[float], str], of_deviation: Callable[[float], str] | None = None
) -> str:
    """Mean and, over several replicates, deviation; empty where there is no figure."""
    if spread is None:
        return ""
    mean = of_mean(spread.mean)
    return mean if spread.deviation is None else f"{mean} ± {(of_deviation or of_mean)(spread.deviation)}"
