"""Are models right as often as they are confident?"""

from __future__ import annotations

from typing import Any

from prune.audit.calibration import Calibration
from prune.report.figures import Rows
from prune.report.figures.frontier import spoken
from prune.report.figures.theme import Colors, config

DENSE, PRUNED = "dense", "pruned"


def spec(colors: Colors) -> dict[str, Any]:
    """Data set `bins`: accuracy over confidence; on the diagonal a model is calibrated."""
    x = {"field": "confidence", "type": "quantitative", "title": "confidence", "scale": {"zero": False, "nice": False}}
    y = {"field": "accuracy", "type": "quantitative", "title": "accuracy", "scale": {"zero": False}}
    color = {"field": "models", "type": "nominal", "title": None, "legend": {"orient": "top"},
             "scale": {"domain": [DENSE, PRUNED], "range": [colors["series-7"], colors["series-0"]]}}  # fmt: skip
    told = {"tooltip": {"field": "label"}, "description": {"field": "spoken"}}
    diagonal = {"x": x, "y": y | {"field": "confidence"}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 340,
        "height": 300,
        "config": config(colors),
        "data": {"name": "bins"},
        "layer": [
            {"mark": {"type": "line", "strokeDash": [4, 4], "color": colors["soft"]}, "encoding": diagonal},
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": y, "stroke": color}},
            {"mark": {"type": "point", "filled": True, "opacity": 1},
             "encoding": {"x": x, "y": y, "fill": color, "size": {"field": "share", "type": "quantitative",
                          "legend": None, "scale": {"range": [20, 300]}}} | told},
        ],
    }  # fmt: skip


def rows(dense: Calibration, pruned: Calibration) -> Rows:
    """A row for each bin of either population."""
    return [
        _row(name, one.confidence, one.accuracy, one.share)
        for name, calibration in ((DENSE, dense), (PRUNED, pruned))
        for one in calibration.bins
    ]


def _row(models: str, confidence: float, accuracy: float, share: float) -> dict[str, Any]:
    facts = [("confidence", f"{confidence:.3f}"), ("accuracy", f"{accuracy:.3f}"), ("predictions", f"{share:.1%}")]
    return {
        "models": models, "confidence": confidence, "accuracy": accuracy, "share": share, "label": models,
        "facts": facts, "spoken": spoken(models, facts),
    }  # fmt: skip
