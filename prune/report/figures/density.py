"""A metric over density: a line for each way to prune, from dense to sparse, dashed where it is a control."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from prune.report.figures import Figure, Rows
from prune.report.figures.frontier import X_TITLES, layer, rounded, spoken, y_title
from prune.report.figures.theme import Colors, frame, numbered
from prune.results.density_curves import DensityCurve, DensityCurves, DensityPoint, density_curves
from prune.results.probes import on_probes
from prune.results.record import Record
from prune.results.rows import Spread
from prune.runtime.sanitize import shown
from prune.tasks.metrics.specs import POINTS, MetricSpec

NAME = "density"
"""Of the descriptions, each with its number."""
_LOGARITHMIC_BELOW = 0.1
"""Smallest density that can be told from its neighbours on a linear axis."""
_TICKS = [digit / 10**place for place in range(7) for digit in (1, 5, 2)]
_SOLID, _DASHES = [1, 0], ([5, 3], [2, 2], [4, 2, 1, 2])
_LEGEND_COLUMN = 230
"""Pixels."""


@dataclass(frozen=True)
class Line:
    """How a curve is drawn."""

    name: str
    color: str
    shape: str
    dash: Sequence[int]
    fill: str


def drawn(records: Sequence[Record], colors: Colors) -> Iterator[tuple[Figure, dict[str, Any]]]:
    """The figures, one for each task, dense model and metric or probe, and their descriptions. A curve has the same
    colour in all of them."""
    entries = [(number, one) for number, record in enumerate(records) for one in (record, *on_probes(record))]
    families = density_curves([one for _, one in entries])
    places = _places(families, sorted({record.method for record in records}))
    numbers = {id(one): number for number, one in entries}
    names: set[str] = set()
    for number, family in enumerate(families):
        name = f"{family.task}-{family.model}-{family.spec.name}-densities"
        name = name if name not in names else f"{name}-{number}"
        names.add(name)
        figure = Figure(name, f"{NAME}-{number}", _title(family), _data(family, numbers))
        yield figure, _spec_of(family, _lines(family, places, colors), colors)


def _title(family: DensityCurves) -> str:
    beside = f" ({family.distinguishing_settings})" if family.distinguishing_settings else ""
    return shown(f"{family.task}, {family.model}: {family.spec.title}{beside}", most=300)


def _places(families: Sequence[DensityCurves], methods: Sequence[str]) -> dict[str, int]:
    """A number for each way to prune: that of its method among `methods`, which the frontier draws it by, or else one
    after these."""
    of_method, more = {method: number for number, method in enumerate(methods)}, count(len(methods))
    places: dict[str, int] = {}
    for curve in (curve for family in families for curve in family.curves):
        if curve.base not in places:
            number = of_method.pop(curve.points[0].records[0].method, None)
            places[curve.base] = next(more) if number is None else number
    return places


def _lines(family: DensityCurves, places: dict[str, int], colors: Colors) -> list[Line]:
    """Of each curve; a control has the colour of what it is the control of, and hollow points."""
    lines: list[Line] = []
    num_controls: Counter[str] = Counter()
    for curve in family.curves:
        place = places[curve.base]
        num_controls[curve.base] += bool(curve.control)
        number = num_controls[curve.base] if curve.control else 0
        color, shape = numbered(place, colors)[0], numbered(place + number, colors)[1]
        dash, fill = (_DASHES[(number - 1) % len(_DASHES)], colors["paper"]) if number else (_SOLID, color)
        lines.append(Line(_name(curve), color, shape, dash, fill))
    return lines


def _spec_of(family: DensityCurves, lines: Sequence[Line], colors: Colors) -> dict[str, Any]:
    smallest = min(point.density.mean for curve in family.curves for point in curve.points)
    is_better_up = family.spec.higher_is_better
    return spec(y_title("value", family.spec), lines, 0 < smallest < _LOGARITHMIC_BELOW, is_better_up, colors)


def spec(title: str, lines: Sequence[Line], logarithmic: bool, is_better_up: bool, colors: Colors) -> dict[str, Any]:
    """Data sets: `points`, `dense`.

    Args:
        title: Of the axis that shows the metric.
        logarithmic: Whether the densities are so small that a linear axis would show them as one.
        is_better_up: Whether a higher metric is better, so that there is room above the dense model.
    """
    scale = {"type": "log"} if logarithmic else {"zero": False}
    ticks = {"values": _TICKS, "format": "~g"} if logarithmic else {"tickCount": 10}
    x = {"field": "density", "type": "quantitative", "title": X_TITLES["density"], "axis": ticks,
         "scale": scale | {"reverse": True, "nice": False, "padding": 12}}  # fmt: skip
    y = {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False, "nice": True}}
    at, said = {"x": x, "y": y}, {"tooltip": {"field": "label"}, "description": {"field": "spoken"}}
    channel = _channel([line.name for line in lines])
    stroke = {"stroke": channel([line.color for line in lines])}
    range_of_y = {"y": y | {"field": "low"}, "y2": {"field": "high"}}
    beside = {"baseline": "bottom", "dy": -4} if is_better_up else {"baseline": "top", "dy": 5}
    has_range = [{"filter": "isValid(datum.low)"}]
    return {
        **frame(colors),
        "layer": [
            layer("dense", {"type": "rect", "color": colors["soft"], "opacity": 0.16}, range_of_y, has_range),
            layer("dense", {"type": "rule", "stroke": colors["soft"], "strokeWidth": 1.5}, {"y": y}),
            layer("dense", {"type": "text", "align": "right", "fontWeight": 600} | beside,
                  {"x": {"value": "width"}, "y": y, "text": {"field": "label"}}),
            layer("points", {"type": "rule", "strokeWidth": 1.5, "opacity": 0.7}, stroke | range_of_y | {"x": x},
                  has_range),
            layer("points", {"type": "line", "strokeWidth": 2}, at | stroke | {
                "strokeDash": channel([line.dash for line in lines]), "order": {"field": "number"}, }),
            layer("points", {"type": "point", "size": 80, "strokeWidth": 1.5, "cursor": "pointer", "opacity": 1},
                  at | stroke | said | {"fill": channel([line.fill for line in lines]),
                                        "shape": channel([line.shape for line in lines])}),
            layer("dense", {"type": "point", "filled": True, "shape": "diamond", "size": 170, "color": colors["ink"],
                            "opacity": 1}, at | said),
        ],
    }  # fmt: skip


def _channel(names: list[str]) -> Callable[[list[Any]], dict[str, Any]]:
    """What each curve is shown by; the legends of all channels are one."""
    legend = {
        "title": None,
        "orient": "top",
        "direction": "horizontal",
        "columns": {"expr": f"max(1, floor(width / {_LEGEND_COLUMN}))"},
        "labelLimit": _LEGEND_COLUMN + 20,
    }
    field = {"field": "name", "type": "nominal", "legend": legend}
    return lambda values: field | {"scale": {"domain": names, "range": values}}


def _data(family: DensityCurves, numbers: dict[int, int]) -> dict[str, Rows]:
    points = [
        _row(family.spec, curve, number, point, numbers)
        for curve in family.curves
        for number, point in enumerate(curve.points)
    ]
    label, seeds = f"dense {family.model}", [record.seed for record in family.dense]
    facts = [(family.spec.title, _text(family.dense_value, family.spec.format_value)), _seeds(seeds)]
    dense = {"label": label, "density": 1.0, "facts": facts, "spoken": spoken(label, facts)}
    return {"points": points, "dense": [dense | _range(family.spec, family.dense_value)]}


def _row(
    spec: MetricSpec, curve: DensityCurve, number: int, point: DensityPoint, numbers: dict[int, int]
) -> dict[str, Any]:
    label = f"{point.records[0].method}, {point.setting}"
    unit = f" {POINTS}" if spec.unit == POINTS else ""
    facts = [
        (spec.title, _text(point.value, spec.format_value)),
        ("against dense", _text(point.difference, spec.format_difference, spec.format_value) + unit),
        ("density", f"{point.density.mean:.3g}"),
        ("line", _name(curve)),
        _seeds([record.seed for record in point.records]),
    ]
    place = {"name": _name(curve), "number": number, "density": rounded(point.density.mean)}
    runs = [numbers[id(record)] for record in point.records]
    told = {"label": label, "facts": facts, "runs": runs, "spoken": spoken(label, facts)}
    return place | told | _range(spec, point.value)


def _name(curve: DensityCurve) -> str:
    return shown(curve.name)


def _range(spec: MetricSpec, value: Spread) -> dict[str, float]:
    """The mean, and where there are several seeds one standard deviation below and above it."""
    middle = {"value": rounded(spec.shown(value.mean))}
    ends = [value.mean + sign * (value.deviation or 0.0) for sign in (-1, 1)]
    if not value.deviation or not all(map(math.isfinite, ends)):
        return middle
    return middle | {name: rounded(spec.shown(end)) for name, end in zip(("low", "high"), ends, strict=True)}


def _text(spread: Spread, mean: Callable[[float], str], deviation: Callable[[float], str] | None = None) -> str:
    return mean(spread.mean) + ("" if spread.deviation is None else f" ± {(deviation or mean)(spread.deviation)}")


def _seeds(seeds: Sequence[int]) -> tuple[str, str]:
    return "seeds" if len(seeds) > 1 else "seed", ", ".join(map(str, seeds))
