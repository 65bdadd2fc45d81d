"""How training went, and what each stage took."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prune.report.detail.run import Stage
from prune.report.figures import Rows
from prune.report.figures.theme import Colors, config, frame

_DASHES = [[1, 0], [6, 3], [2, 2], [6, 2, 2, 2], [10, 3], [1, 4]]
PANELS = {
    "loss": "loss",
    "metric": "metric, of evaluations meanwhile",
    "density": "density, of what masks keep",
    "threshold": "threshold on scores",
    "penalty": "weight of the penalty",
    "heads": "heads left",
    "dimensions": "inner dimensions left",
}


def curve_spec(panel: str, colors: Colors) -> dict[str, Any]:
    """Data sets `curves`, and `spans`: where stages begin."""
    x = {
        "field": "step",
        "type": "quantitative",
        "title": "steps, stages one after the other",
        "axis": {"tickCount": 6},
    }
    y = {"field": "value", "type": "quantitative", "title": PANELS[panel], "scale": {"zero": True}}
    palette = [colors[f"series-{number}"] for number in range(6)]
    return {
        **frame(colors, 150),
        "layer": [
            {"data": {"name": "spans"}, "mark": {"type": "rule", "color": colors["line"]},
             "encoding": {"x": x | {"field": "start"}}},
            {"data": {"name": "spans"},
             "mark": {"type": "text", "align": "left", "dx": 4, "dy": 2, "color": colors["soft"], "baseline": "top"},
             "encoding": {"x": x | {"field": "start"}, "y": {"value": 0}, "text": {"field": "stage"}}},
            {"data": {"name": "curves"},
             "transform": [{"flatten": ["steps", "values"], "as": ["step", "value"]}],
             "mark": {"type": "line", "strokeWidth": 1.5},
             "encoding": {
                 "x": x, "y": y, "detail": {"field": "stage"}, "order": {"field": "step"},
                 "color": {"field": "series", "type": "nominal", "title": None, "sort": None,
                           "scale": {"range": palette}, "legend": {"orient": "top"}},
                 "strokeDash": {"field": "series", "type": "nominal", "title": None, "sort": None,
                                "scale": {"range": _DASHES}, "legend": {"orient": "top"}}}},
        ],
    }  # fmt: skip


def curve_rows(stages: Iterable[Stage]) -> dict[str, Rows]:
    """Stages stand one after the other."""
    curves: Rows = []
    spans: Rows = []
    start = 0
    for stage in stages:
        if not stage.curves:
            continue
        spans.append({"stage": stage.name, "start": start})
        for curve in stage.curves:
            steps = [start + step for step in curve.steps]
            curves.append({"stage": stage.name, "panel": curve.panel, "series": curve.series, "steps": steps,
                           "values": curve.values})  # fmt: skip
        start += max(curve.steps[-1] for curve in stage.curves)
    return {"curves": curves, "spans": spans}


def stages_spec(colors: Colors) -> dict[str, Any]:
    """Data set `stages`: time and memory of each."""
    y = {"field": "stage", "type": "nominal", "sort": None, "title": None}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": config(colors),
        "data": {"name": "stages"},
        "hconcat": [
            _bars(y, "minutes", "time (minutes)", "time", colors),
            _bars(y | {"axis": {"labels": False, "ticks": False}}, "gigabytes", "peak memory (GB)", "memory", colors),
        ],
    }


def _bars(y: dict[str, Any], field: str, title: str, text: str, colors: Colors) -> dict[str, Any]:
    x = {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"zero": True},
        "axis": {"tickCount": 4, "grid": False},
    }
    return {
        "width": 230,
        "height": {"step": 24},
        "layer": [
            {"mark": {"type": "bar", "color": colors["series-0"], "height": {"band": 0.7}},
             "encoding": {"x": x, "y": y}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "color": colors["ink"]},
             "encoding": {"x": x, "y": y, "text": {"field": text}}},
        ],
    }  # fmt: skip


def stage_rows(stages: Iterable[Stage]) -> Rows:
    """One per stage that says what it took."""
    return [
        {"stage": stage.name, "minutes": stage.seconds / 60, "time": duration(stage.seconds),
         "gigabytes": (stage.peak_memory_bytes or 0) / 1e9, "memory": _memory(stage.peak_memory_bytes)}
        for stage in stages if stage.seconds is not None
    ]  # fmt: skip


def duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _memory(number: float | None) -> str:
    return "not measured" if number is None else f"{number / 1e9:.2f} GB"
