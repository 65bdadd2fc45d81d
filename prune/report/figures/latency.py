"""How long a batch takes, dense and pruned, by its size, its length and the number format."""

from __future__ import annotations

from typing import Any

from prune.report.figures import Rows
from prune.report.figures.theme import Colors, config
from prune.results.record import Record
from prune.runtime.wording import batch_in_words

DENSE, PRUNED = "dense", "pruned"


def spec(colors: Colors) -> dict[str, Any]:
    """Data set `latency`: two bars for each shape of a batch."""
    y = {"field": "shape", "type": "nominal", "sort": None, "title": None}
    offset = {"yOffset": {"field": "model", "type": "nominal", "sort": [DENSE, PRUNED]}}
    x = {"field": "ms", "type": "quantitative", "title": "time of a batch (ms)", "scale": {"zero": True},
         "axis": {"grid": False}}  # fmt: skip
    color = {"field": "model", "type": "nominal", "title": None, "legend": {"orient": "top"},
             "scale": {"domain": [DENSE, PRUNED], "range": [colors["series-7"], colors["series-0"]]}}  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 300,
        "height": {"step": 22, "for": "offset"},
        "config": config(colors),
        "data": {"name": "latency"},
        "layer": [
            {"mark": {"type": "bar"}, "encoding": {"x": x, "y": y, "color": color} | offset},
            {"mark": {"type": "text", "align": "left", "dx": 4, "color": colors["ink"]},
             "encoding": {"x": x, "y": y, "text": {"field": "text"}} | offset},
        ],
    }  # fmt: skip


def rows(record: Record) -> Rows:
    """Of the measurements that say milliseconds."""
    dtype = record.config.get("evaluate", {}).get("speed", {}).get("dtype", "float32")
    bars = []
    for timing in record.speed:
        shape = f"{batch_in_words(timing)}, {timing.get('dtype', dtype)}"
        for model, key in ((DENSE, "dense_ms"), (PRUNED, "model_ms")):
            if key in timing:
                text = f"{timing[key]:.3g} ms"
                if model == PRUNED:
                    text += f", {_faster(timing)}"
                bars.append({"shape": shape, "model": model, "ms": timing[key], "text": text})
    return bars


def _faster(timing: dict[str, Any]) -> str:
    spread = "" if "speedup_quartiles" not in timing else " ({:.2f} to {:.2f})".format(*timing["speedup_quartiles"])
    return f"{timing['speedup']:.2f} times as fast{spread}"
