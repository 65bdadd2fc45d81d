"""The frontier: a metric against what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from prune.report.figures import Rows
from prune.report.figures.theme import Colors, frame, series
from prune.results.pareto import COSTS, Point, frontier
from prune.results.rows import Row, Spread
from prune.tasks.metrics.specs import MetricSpec

X_TITLES = {
    "speedup": "measured speed-up (times as fast as dense)",
    "density": "density (share of the prunable weights that is left)",
    "params": "parameters (millions)",
    "latency": "time of a batch (ms)",
    "compute": "training compute (10^12 floating-point operations)",
}
Y_TITLES = {"difference": "{metric}, difference from dense{unit}", "value": "{metric}{unit}"}
_DIGITS = 5
_MOST_LABELS, _ROOM = 6, 100
"""Labels of dense models in the widest plot; pixels of its width for each of them."""
_LINE, _ASIDE = 14, 10
"""Pixels between labels of dense models, and from a label to its point."""


def y_title(measure: str, metric: MetricSpec) -> str:
    """Of the axis that shows `measure`, one of `Y_TITLES`."""
    return Y_TITLES[measure].format(metric=metric.title, unit=f" ({metric.unit})" if metric.unit else "")


def spec(cost: str, measure: str, title: str, methods: Sequence[str], colors: Colors) -> dict[str, Any]:
    """Data sets: `points`, `front` (those of them that none beats), `dense`, `published`. Both axes show their zero.

    `title`: of the axis that shows `measure`.
    """
    x = {"field": cost, "type": "quantitative", "title": X_TITLES[cost], "scale": {"zero": True, "nice": True},
         "axis": {"tickCount": 10}}  # fmt: skip
    y = {"field": measure, "type": "quantitative", "title": title,
         "scale": {"zero": True, "nice": True}}  # fmt: skip
    of_method = series(methods, colors)
    color = {"color": of_method["color"]}
    at = {"x": x, "y": y}
    reference = {"stroke": colors["soft"], "strokeDash": [5, 4]}
    tooltip = {"tooltip": {"field": "label"}, "description": {"field": "spoken"}}
    at_front = {"test": f"indexof(datum.front, '{cost}') >= 0", "value": 1}
    return {
        **frame(colors),
        "params": [{"name": "shown", "value": list(methods)}],
        "layer": [
            layer("dense", {"type": "rule"} | reference, {"y": y}),
            layer("front", {"type": "area", "opacity": 0.16}, at | color | {
                "y": y | {"field": "low"}, "y2": {"field": "high"}, "detail": {"field": "model"}, },
                [_whole("low", measure), _whole("high", measure)]),
            layer("published", {"type": "point", "shape": "circle", "size": 45, "opacity": 0.55, "filled": False,
                                "stroke": colors["soft"]}, at | tooltip),
            layer("front", {"type": "line", "strokeWidth": 2}, at | color | {"detail": {"field": "model"}}),
            *(layer("points", {"type": "rule", "strokeWidth": 1.5, "opacity": 0.7}, at | color | {
                axis: at[axis] | {"field": f"{name}_low"}, f"{axis}2": {"field": f"{name}_high"}, },
                [{"filter": f"isValid(datum.{name}_low)"}])
              for axis, name in (("x", cost), ("y", measure))),
            layer("points", {"type": "point", "filled": True, "size": 95, "cursor": "pointer", "strokeWidth": 1,
                             "stroke": colors["paper"]}, at | of_method | tooltip | {
                "opacity": {"condition": at_front, "value": 0.5}, }),
            layer("dense", {"type": "point", "filled": True, "shape": "diamond", "size": 170, "color": colors["ink"]},
                  at | tooltip),
            _dense_labels(cost, measure, at),
        ],
    }  # fmt: skip


def _dense_labels(cost: str, measure: str, at: dict[str, Any]) -> dict[str, Any]:
    """The names of the dense models, or their number where there is no room for all.

    Each has a line of its own, from the top of the plot down, on the side of its point where there is more room.
    """
    place, lines = f"scale('x', datum['{cost}'])", f"datum.number <= min({_MOST_LABELS}, width / {_ROOM})"
    is_right = f"{place} > width / 2"
    order = [{"field": measure, "order": "descending"}, {"field": cost, "order": "descending"}, {"field": "label"}]
    transform = [
        {"window": [{"op": "row_number", "as": "line"}], "sort": order},
        {"joinaggregate": [{"op": "count", "as": "number"}]},
        {"filter": f"{lines} || datum.line === 1"},
        {"calculate": f"{lines} ? datum.label : 'dense, ' + datum.number + ' models'", "as": "name"},
    ]
    mark = {
        "type": "text",
        "fontWeight": 600,
        "align": {"expr": f"{is_right} ? 'right' : 'left'"},
        "dx": {"expr": f"{is_right} ? -{_ASIDE} : {_ASIDE}"},
        "dy": {"expr": f"{_LINE} * datum.line - 1"},
        "limit": {"expr": f"max({place}, width - {place}) - {_ASIDE}"},
    }
    return layer("dense", mark, at | {"text": {"field": "name"}}, transform)


def layer(data: str, mark: dict[str, Any], encoding: dict[str, Any], transform: Sequence[Any] = ()) -> dict[str, Any]:
    """A layer whose marks have no description but their own: Vega-Lite would make one, an expression that holds the
    titles of axes, which a stranger may have written."""
    mark = mark | {"aria": "description" in encoding}
    return {"data": {"name": data}, "transform": list(transform), "mark": mark, "encoding": encoding}


def _whole(end: str, measure: str) -> dict[str, str]:
    """Where there is no spread, a band has no width."""
    name = f"datum.{measure}_{end}"
    return {"calculate": f"isValid({name}) ? {name} : datum.{measure}", "as": end}


def rows(points: Iterable[Point]) -> Rows:
    """A row for each point, with the costs for which it is on the front."""
    points = list(points)
    fronts = {cost: {id(point) for front in frontier(points, cost) for point in front} for cost in COSTS}
    result = []
    for point in points:
        front = [cost for cost, members in fronts.items() if id(point) in members]
        place = {"task": point.task, "model": point.model, "method": point.method, "batch": point.batch}
        shown = {"label": point.label, "facts": point.facts, "runs": point.runs, "front": front}
        result.append(place | shown | {"spoken": spoken(point.label, point.facts)} | _figures(point))
    return result


def published_points(published: Iterable[Row]) -> Rows:
    """A row for each published result, as for one's own."""
    return [_published_point(row) for row in published]


def _published_point(row: Row) -> dict[str, Any]:
    spec = row.spec
    shown: dict[str, tuple[Spread | None, Callable[[float], float], str, Callable[[float], str]]] = {
        "value": (row.value, spec.shown, spec.title, spec.format_value),
        "difference": (row.difference, spec.shown, "against BERT-base", partial(spec.format_difference, in_words=True)),
        "speedup": (row.speedup, float, "speed-up", "{:.2f} times".format),
        "density": (row.params, float, "weights left", "{:.3f} of BERT-base's".format),
    }
    figures = {name: rounded(scaled(spread.mean)) for name, (spread, scaled, *_) in shown.items() if spread}
    facts = [(title, form(spread.mean)) for spread, _, title, form in shown.values() if spread]
    facts.append(("published, measured on", row.source))
    label = f"{row.model}, {row.method}"
    return {"task": row.task, "label": label, "facts": facts, "spoken": spoken(label, facts)} | figures


def _figures(point: Point) -> dict[str, float]:
    figures = {}
    for name, spread in point.figures.items():
        figures[name] = rounded(spread.mean)
        if spread.low != spread.high:
            figures |= {f"{name}_low": rounded(spread.low), f"{name}_high": rounded(spread.high)}
    return figures


def rounded(number: float) -> float:
    """As exact as it can be seen."""
    return float(f"{number:.{_DIGITS}g}")


def spoken(label: str, facts: Iterable[tuple[str, str]]) -> str:
    """What is read aloud."""
    return f"{label}: " + "; ".join(f"{name} {text}" for name, text in list(facts)[:3])
