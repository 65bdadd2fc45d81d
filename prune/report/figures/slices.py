"""Where pruning changes the score more, or less, than on all examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prune.audit.slices import SliceChange
from prune.report.figures import Rows
from prune.report.figures.frontier import spoken
from prune.report.figures.theme import Colors, config
from prune.runtime.sanitize import shown

_SIGNIFICANT = 0.05
_MOST = 40


def spec(colors: Colors) -> dict[str, Any]:
    """Data set `slices`: a dot with its interval for each slice, on the band of what dense models differ by.

    The page sets its height: a step for each slice would not go with a width that fits the page.
    """
    y = {"field": "slice", "type": "nominal", "sort": None, "title": None,
         "axis": {"labelLimit": 300, "labelOverlap": False}}  # fmt: skip
    x = {"type": "quantitative", "title": "change of the score, minus that of all examples"}
    told = {"tooltip": {"field": "label"}, "description": {"field": "spoken"}}
    color = {"condition": {"test": "datum.clear", "value": colors["series-1"]}, "value": colors["series-0"]}
    band = {"x": x | {"field": "null_low"}, "x2": {"field": "null_high"}, "y": y}
    interval = {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "stroke": color}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "config": config(colors),
        "data": {"name": "slices"},
        "layer": [
            {"mark": {"type": "bar", "color": colors["gone"], "height": {"band": 0.9}},
             "transform": [{"filter": "isValid(datum.null_low)"}], "encoding": band},
            {"mark": {"type": "rule", "color": colors["soft"]}, "encoding": {"x": {"datum": 0}}},
            {"mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": interval},
            {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
             "encoding": {"x": x | {"field": "change"}, "y": y, "fill": color} | told},
        ],
    }  # fmt: skip


def rows(changes: Sequence[SliceChange], scale: float) -> Rows:
    """The slices that change most; scores are shown times `scale`."""
    return [_row(change, scale) for change in changes[:_MOST]]


def _row(change: SliceChange, scale: float) -> dict[str, Any]:
    name = shown(f"{change.column}: {change.value}")
    low, high = (scale * bound for bound in change.interval)
    facts = [
        ("examples", str(change.examples)),
        ("score, dense", f"{scale * change.dense:.2f}"),
        ("score, pruned", f"{scale * change.pruned:.2f}"),
        ("against all", f"{scale * change.relative_change:+.2f} ({low:+.2f} to {high:+.2f})"),
        *([("null", f"±{scale * change.null:.2f}")] if change.null is not None else []),
        *([("p, corrected", f"{change.p_corrected:.2g}")] if change.p_corrected is not None else []),
    ]
    null = {} if change.null is None else {"null_low": -scale * change.null, "null_high": scale * change.null}
    return {
        "slice": name, "change": scale * change.relative_change, "low": low, "high": high,
        "clear": change.p_corrected is not None and change.p_corrected < _SIGNIFICANT,
        "label": name, "facts": facts, "spoken": spoken(name, facts), **null,
    }  # fmt: skip
