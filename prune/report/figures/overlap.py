"""How far runs agree on what they kept."""

from __future__ import annotations

from typing import Any

from prune.report.figures.theme import Colors, config


def spec(colors: Colors) -> dict[str, Any]:
    """Data set `overlap`: the Jaccard index of two runs, layer by layer, for heads and for dimensions."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": config(colors),
        "data": {"name": "overlap"},
        "facet": {"column": {"field": "site", "title": None, "sort": None}},
        "spec": {
            "width": 260,
            "height": {"step": 20},
            "layer": [
                {"mark": {"type": "bar", "height": {"band": 0.75}}},
                {"mark": {"type": "text", "align": "left", "dx": 4, "color": colors["ink"]},
                 "encoding": {"text": {"field": "index", "format": ".2f"}, "color": {"value": colors["ink"]}}},
            ],
            "encoding": {
                "x": {"field": "index", "type": "quantitative", "scale": {"domain": [0, 1]},
                      "title": "Jaccard index (1: both kept the same)"},
                "y": {"field": "layer", "type": "ordinal", "sort": None, "title": None},
                "yOffset": {"field": "pair", "type": "nominal", "sort": None},
                "color": {"field": "pair", "type": "nominal", "title": None, "sort": None,
                          "scale": {"range": [colors[f"series-{number}"] for number in range(8)]},
                          "legend": {"orient": "top", "columns": 1, "labelLimit": 600}},
                "tooltip": {"field": "spoken"},
                "description": {"field": "spoken"},
            },
        },
    }  # fmt: skip
