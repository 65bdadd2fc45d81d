"""The frontier: a metric against what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prune.report.figures import Rows
from prune.report.figures.theme import Colors, config, series
from prune.results.pareto import COSTS, Point, frontier
from prune.results.rows import Row

X_TITLES = {
    "speedup": "measured speed-up (times as fast as dense)",
    "density": "density (share of the prunable weights that is left)",
    "params": "parameters (millions)",
    "latency": "time of a batch (ms)",
}
Y_TITLES = {"difference": "{metric}, difference from dense (points)", "value": "{metric} (points)"}
_DIGITS = 5


def spec(cost: str, measure: str, metric: str, methods: Sequence[str], colors: Colors) -> dict[str, Any]:
    """Data sets: `points`, `front` (those of them that none beats), `dense`, `published`. Both axes show their zero."""
    x = {"field": cost, "type": "quantitative", "title": X_TITLES[cost], "scale": {"zero": True, "nice": True},
         "axis": {"tickCount": 10}}  # fmt: skip
    y = {"field": measure, "type": "quantitative", "title": Y_TITLES[measure].format(metric=metric),
         "scale": {"zero": True, "nice": True}}  # fmt: skip
    told_apart = series(methods, colors)
    color = {"color": told_apart["color"]}
    at = {"x": x, "y": y}
    reference = {"stroke": colors["soft"], "strokeDash": [5, 4]}
    tooltip = {"tooltip": {"field": "label"}, "description": {"field": "spoken"}}
    at_front = {"test": f"indexof(datum.front, '{cost}') >= 0", "value": 1}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 420,
        "config": config(colors),
        "params": [{"name": "shown", "value": list(methods)}],
        "layer": [
            _layer("dense", {"type": "rule"} | reference, {"y": y}),
            _layer("front", {"type": "area", "opacity": 0.16}, at | color | {
                "y": y | {"field": "low"}, "y2": {"field": "high"}, "detail": {"field": "model"}, },
                [_whole("low", measure), _whole("high", measure)]),
            _layer("published", {"type": "point", "shape": "circle", "size": 45, "opacity": 0.55, "filled": False,
                                 "stroke": colors["soft"]}, at | tooltip),
            _layer("front", {"type": "line", "strokeWidth": 2}, at | color | {"detail": {"field": "model"}}),
            *(_layer("points", {"type": "rule", "strokeWidth": 1.5, "opacity": 0.7}, at | color | {
                axis: at[axis] | {"field": f"{name}_low"}, f"{axis}2": {"field": f"{name}_high"}, },
                [{"filter": f"isValid(datum.{name}_low)"}])
              for axis, name in (("x", cost), ("y", measure))),
            _layer("points", {"type": "point", "filled": True, "size": 95, "cursor": "pointer", "strokeWidth": 1,
                              "stroke": colors["paper"]}, at | told_apart | tooltip | {
                "opacity": {"condition": at_front, "value": 0.5}, }),
            _layer("dense", {"type": "point", "filled": True, "shape": "diamond", "size": 170, "color": colors["ink"]},
                   at | tooltip),
            _layer("dense", {"type": "text", "align": "left", "dx": 10, "dy": 13, "fontWeight": 600}, at | {
                "text": {"field": "label"}, }),
        ],
    }  # fmt: skip


def _layer(data: str, mark: dict[str, Any], encoding: dict[str, Any], transform: Sequence[Any] = ()) -> dict[str, Any]:
    """Without a description of its own it has none: Vega-Lite would write one as an expression, with titles in it."""
    told = {"aria": "description" in encoding}
    return {"data": {"name": data}, "transform": list(transform), "mark": mark | told, "encoding": encoding}


def _whole(end: str, measure: str) -> dict[str, str]:
    """Where there is no spread, a band has no width."""
    name = f"datum.{measure}_{end}"
    return {"calculate": f"isValid({name}) ? {name} : datum.{measure}", "as": end}


def rows(points: Iterable[Point]) -> Rows:
    """A row for each point, that says by which costs it is at the front."""
    points = list(points)
    fronts = {cost: {id(point) for front in frontier(points, cost) for point in front} for cost in COSTS}
    found = []
    for point in points:
        front = [cost for cost, members in fronts.items() if id(point) in members]
        place = {"task": point.task, "model": point.model, "method": point.method, "batch": point.batch}
        shown = {"label": point.label, "facts": point.facts, "runs": point.runs, "front": front}
        found.append(place | shown | {"spoken": _spoken(point.label, point.facts)} | _figures(point))
    return found


def published_points(published: Iterable[Row]) -> Rows:
    """The same for what others published."""
    return [_published_point(row) for row in published]


def _published_point(row: Row) -> dict[str, Any]:
    spreads = {"value": row.value, "difference": row.difference, "speedup": row.speedup, "density": row.params}
    scales = {"value": 100, "difference": 100, "speedup": 1, "density": 1}
    figures = {name: _rounded(scales[name] * spread.mean) for name, spread in spreads.items() if spread}
    forms = {
        "value": (row.metric, "{:.2f}"),
        "difference": ("against BERT-base", "{:+.2f} points"),
        "speedup": ("speed-up", "{:.2f} times"),
        "density": ("weights left", "{:.3f} of BERT-base's"),
    }
    facts = [(forms[name][0], forms[name][1].format(figure)) for name, figure in figures.items()]
    facts.append(("published, measured on", row.source))
    label = f"{row.model}, {row.method}"
    return {"task": row.task, "label": label, "facts": facts, "spoken": _spoken(label, facts)} | figures


def _figures(point: Point) -> dict[str, float]:
    found = {}
    for name, (mean, low, high) in point.figures.items():
        found[name] = _rounded(mean)
        if low != high:
            found |= {f"{name}_low": _rounded(low), f"{name}_high": _rounded(high)}
    return found


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _spoken(label: str, facts: Iterable[tuple[str, str]]) -> str:
    """What is read aloud."""
    return f"{label}: " + "; ".join(f"{name} {text}" for name, text in list(facts)[:3])
