"""Colours and type. Methods differ in colour and in shape, so that either alone suffices (Okabe and Ito 2008)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Colors = Mapping[str, str]
LIGHT: Colors = {
    "ink": "#1b1f24", "soft": "#59636e", "line": "#d8dee4", "paper": "#ffffff", "panel": "#f5f7f9", "gone": "#e3e7eb",
    "accent": "#0a5fb4", "series-0": "#0072b2", "series-1": "#d55e00", "series-2": "#00845f", "series-3": "#b0578c",
    "series-4": "#b37400", "series-5": "#2b93cf", "series-6": "#6e5494", "series-7": "#5f5f5f",
}  # fmt: skip
DARK: Colors = {
    "ink": "#e6e9ec", "soft": "#9aa4ae", "line": "#343b43", "paper": "#14181c", "panel": "#1c2126", "gone": "#2d343b",
    "accent": "#6cb6ff", "series-0": "#55aee8", "series-1": "#ff8f4f", "series-2": "#3cc79a", "series-3": "#e59ac7",
    "series-4": "#f0b840", "series-5": "#9bd6f7", "series-6": "#bda2e3", "series-7": "#b5b5b5",
}  # fmt: skip
IN_PAGE: Colors = {name: f"var(--{name})" for name in LIGHT}
"""There the style sheet says which of the two it is."""
FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"
_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
_NUM_SERIES = 8


def numbered(number: int, colors: Colors) -> tuple[str, str]:
    """A colour and a shape."""
    return colors[f"series-{number % _NUM_SERIES}"], _SHAPES[number % len(_SHAPES)]


def series(names: Sequence[str], colors: Colors) -> dict[str, Any]:
    """A colour and a shape for each of `names`; which of them the legend shows is the parameter `shown`."""
    of_each = [numbered(number, colors) for number in range(len(names))]
    palette, shapes = [color for color, _ in of_each], [shape for _, shape in of_each]
    legend = {"title": None, "values": {"expr": "shown"}, "orient": "top", "direction": "horizontal", "columns": 6}
    return {
        "color": {"field": "method", "type": "nominal", "scale": {"domain": names, "range": palette}, "legend": legend},
        "shape": {"field": "method", "type": "nominal", "scale": {"domain": names, "range": shapes}, "legend": legend},
    }


def frame(colors: Colors, height: int = 420) -> dict[str, Any]:
    """What the description of a figure in Vega-Lite begins with; it takes the width that it is given."""
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    return {"$schema": schema, "width": "container", "height": height, "config": config(colors)}


def config(colors: Colors) -> dict[str, Any]:
    """How all figures look."""
    label = {"labelColor": colors["soft"], "titleColor": colors["ink"], "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": None if colors is IN_PAGE else colors["paper"],
        "font": FONT,
        "view": {"stroke": None},
        "axis": label | {"gridColor": colors["line"], "domainColor": colors["soft"], "tickColor": colors["soft"],
                         "titleFontWeight": 500, "titlePadding": 8, "labelLimit": 160},
        "header": label,
        "legend": label | {"symbolOpacity": 1, "symbolSize": 90, "labelLimit": 220},
        "title": {"color": colors["ink"], "fontSize": 13, "fontWeight": 600, "anchor": "start"},
        "text": {"color": colors["ink"], "fontSize": 11},
    }  # fmt: skip
