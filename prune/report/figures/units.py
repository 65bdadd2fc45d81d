"""What is left of each layer: which heads, how many inner dimensions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from prune.report.detail.matrices import Sublayer
from prune.report.figures import Rows
from prune.report.figures.theme import Colors, config
from prune.results.record import Record

_ROW = 20
_TITLES = {"attention": "heads kept", "feed_forward": "inner dimensions kept"}


def heads_spec(colors: Colors) -> dict[str, Any]:
    """Data set `heads`: a cell for each head of each layer."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": {"step": _ROW},
        "height": {"step": _ROW},
        "config": config(colors),
        "data": {"name": "heads"},
        "mark": {"type": "rect", "stroke": colors["paper"], "strokeWidth": 2, "cornerRadius": 3},
        "encoding": {
            "x": {"field": "head", "type": "ordinal", "title": "head", "axis": {"labelAngle": 0}},
            "y": {"field": "layer", "type": "ordinal", "sort": None, "title": None},
            "color": {"field": "state", "type": "nominal", "title": None, "legend": {"orient": "top"},
                      "scale": {"domain": ["kept", "removed"], "range": [colors["series-0"], colors["gone"]]}},
            "tooltip": {"field": "spoken"},
            "description": {"field": "spoken"},
        },
    }  # fmt: skip


def counts_spec(site: str, colors: Colors) -> dict[str, Any]:
    """Data set `counts`: a bar for each layer, on one of what the dense model has, where that is known."""
    y = {"field": "layer", "type": "ordinal", "sort": None, "title": None}
    x = {"type": "quantitative", "title": _TITLES[site], "scale": {"zero": True}, "axis": {"grid": False}}
    tooltip = {"tooltip": {"field": "spoken"}, "description": {"field": "spoken"}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 300,
        "height": {"step": _ROW},
        "config": config(colors),
        "data": {"name": "counts"},
        "layer": [
            {"mark": {"type": "bar", "color": colors["gone"], "height": {"band": 0.75}},
             "encoding": {"x": x | {"field": "units"}, "y": y}},
            {"mark": {"type": "bar", "color": colors["series-0"], "height": {"band": 0.75}},
             "encoding": {"x": x | {"field": "kept"}, "y": y} | tooltip},
            {"mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 10, "color": colors["ink"]},
             "encoding": {"x": x | {"field": "edge"}, "y": y, "text": {"field": "text"}}},
        ],
    }  # fmt: skip


def head_rows(sublayers: Sequence[Sublayer]) -> Rows:
    """Every head of the dense model."""
    labels = layer_labels(sublayers)
    return [
        {"layer": labels[sublayer.name], "head": number, "state": "kept" if kept else "removed",
         "spoken": f"{labels[sublayer.name]}, head {number}: {'kept' if kept else 'removed'}"}
        for sublayer in sublayers if sublayer.site == "attention"
        for number, kept in enumerate(sublayer.units())
    ]  # fmt: skip


def count_rows(sublayers: Sequence[Sublayer], record: Record | None, site: str) -> Rows:
    """How many units of a site each layer has left; without a model at hand, as the record says."""
    known = [sublayer for sublayer in sublayers if sublayer.site == site]
    labels = layer_labels(sublayers)
    counts: list[tuple[str, int, int | None]] = [
        (labels[sublayer.name], sublayer.num_kept, sublayer.num_units) for sublayer in known
    ]
    if not counts and record is not None:
        kept = record.heads_kept if site == "attention" else record.dimensions_kept
        counts = [(f"layer {number}", count, None) for number, count in enumerate(kept)]
    return [
        {"layer": layer, "kept": kept, "units": units or kept, "edge": max(kept, units or 0),
         "text": f"{kept} of {units}" if units else str(kept),
         "spoken": f"{layer}: {kept}{f' of {units}' if units else ''} {_TITLES[site]}"}
        for layer, kept, units in counts
    ]  # fmt: skip


def layer_labels(sublayers: Sequence[Sublayer]) -> dict[str, str]:
    """Short names of the layers that sublayers are in: their number, and what else tells them apart."""
    stacks = {re.split(r"\.\d", sublayer.name)[0] for sublayer in sublayers}
    labels = {}
    for sublayer in sublayers:
        layer, _, end = sublayer.name.rpartition(".")
        start = layer.split(".")[0] if len(stacks) > 1 else "layer"
        of_several = "" if end == sublayer.site else f" {end.removesuffix(f'_{sublayer.site}')}"
        labels[sublayer.name] = f"{start} {'.'.join(re.findall(r'[0-9]+', layer))}{of_several}"
    return labels
