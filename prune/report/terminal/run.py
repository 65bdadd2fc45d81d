"""A run in a terminal: what the page says of it, for those who work on a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from prune.report.detail.matrices import Sublayer
from prune.report.detail.run import Detail, Stage
from prune.report.figures.training import PANELS, duration
from prune.report.figures.units import layer_labels
from prune.report.summary import RunSummary, repeat_command, summaries_of, summary_of_unfinished
from prune.results.record import Record
from prune.results.unfinished import status_of
from prune.runtime.wording import batch_in_words

_BLOCKS = " ▁▂▃▄▅▆▇█"
_WIDTH = 36
"""Most characters of a sparkline."""


def draw_run(folder: Path, record: Record | None, detail: Detail) -> Group:
    """Everything about the run in `folder`; `record` None: it is not finished."""
    if record:
        (summary,) = summaries_of({folder: record})
    else:
        summary = summary_of_unfinished(folder, detail, status_of(folder))
    parts: list[RenderableType] = [Text(summary.title, style="bold"), Text(str(folder), style="dim"), _facts(summary)]
    told = [summary.status] if summary.status else [f"warning  {text}" for text in summary.warnings]
    parts += [Text(text, style="yellow") for text in told]
    tables = (
        _scores(summary, record),
        speed_table(record) if record else None,
        _layers(detail),
        _curves(detail),
        _stages(detail),
    )
    parts += [table for table in tables if table]
    if command := repeat_command(detail.recipe, folder):
        parts += [Text("\nto do it again", style="bold"), Text(command)]
    return Group(*parts)


def sparkline(values: Sequence[float], top: float) -> str:
    """`values` from 0 to `top` as a line of blocks; where there are many, each block is the mean of several."""
    step = max(1.0, len(values) / _WIDTH)
    means = [_mean(values[int(n * step) : int((n + 1) * step)]) for n in range(round(len(values) / step))]
    return "".join(_BLOCKS[_height(value / top if top else 0.0)] for value in means)


def _height(share: float) -> int:
    """Anything above zero is visible."""
    return 0 if share <= 0 else max(1, round(min(1.0, share) * (len(_BLOCKS) - 1)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _facts(summary: RunSummary) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, text in summary.facts:
        grid.add_row(Text(name, style="dim"), Text(text))
    return grid


def _scores(summary: RunSummary, record: Record | None) -> Table | None:
    if record is None or not summary.scores:
        return None
    title = "metrics, in points" if record.scored_in_points else "metrics"
    table = Table("split", "metric", "value", "dense", "difference", title=title, title_justify="left")
    for row in summary.scores:
        table.add_row(*map(Text, row))
    return table


def speed_table(record: Record) -> Table:
    """How long both models took."""
    table = Table("batch", "dense", "pruned", "speed-up", "multiply-adds say", title="speed", title_justify="left")
    if elsewhere := any(timing.get("speedup_over_eager") is not None for timing in record.speed):
        table.add_column("over eager")
    for timing in record.speed:
        times = [f"{timing[key]:.3g} ms" if key in timing else "" for key in ("dense_ms", "model_ms")]
        low, high = timing.get("speedup_quartiles", (timing["speedup"], timing["speedup"]))
        speedup = f"{timing['speedup']:.2f}x ({low:.2f} to {high:.2f})"
        over = timing.get("speedup_over_eager")
        more = ["" if over is None else f"{over:.2f}x"] * elsewhere
        table.add_row(batch_in_words(timing), *times, speedup, f"{timing['speedup_theoretical']:.2f}x", *more)
    return table


def _layers(detail: Detail) -> Table | None:
    if not detail.sublayers:
        return None
    labels = layer_labels(detail.sublayers)
    table = Table("layer", "kept", Column("from the first unit to the last", no_wrap=True), "density of its matrices",
                  title="what is left", title_justify="left")  # fmt: skip
    for sublayer in detail.sublayers:
        kind = "heads" if sublayer.site == "attention" else "dimensions"
        units = [float(kept) for kept in sublayer.units()]
        line = (
            "".join("■" if unit else "·" for unit in units) if sublayer.site == "attention" else sparkline(units, 1.0)
        )
        table.add_row(
            Text(labels[sublayer.name]),
            f"{sublayer.num_kept} of {sublayer.num_units} {kind}",
            Text(line, style="blue"),
            Text(_density(sublayer)),
        )
    return table


def _density(sublayer: Sublayer) -> str:
    """Of each matrix after the last stage."""
    return (
        "  ".join(f"{matrix.name} {list(matrix.density.values())[-1]:.2f}" for matrix in sublayer.matrices)
        or "left out"
    )


def _curves(detail: Detail) -> Table | None:
    table = Table("stage", "curve", "over its steps", "first", "last", title="training", title_justify="left")
    for cells in (row for stage in detail.stages for row in _curves_of(stage)):
        table.add_row(*cells)
    return table if table.row_count else None


def _curves_of(stage: Stage) -> Iterator[tuple[str, Text, Text, str, str]]:
    for curve in stage.curves:
        name = PANELS[curve.panel] if curve.series == curve.panel else f"{curve.panel} {curve.series}"
        line = Text(sparkline(curve.values, max(curve.values)), style="blue")
        yield stage.name, Text(name), line, f"{curve.values[0]:.4g}", f"{curve.values[-1]:.4g}"


def _stages(detail: Detail) -> Table | None:
    table = Table("stage", "time", "peak memory", title="stages", title_justify="left")
    for stage in detail.stages:
        if stage.seconds is not None:
            memory = "" if stage.peak_memory_bytes is None else f"{stage.peak_memory_bytes / 1e9:.2f} GB"
            table.add_row(stage.name, duration(stage.seconds), memory)
    return table if table.row_count else None
