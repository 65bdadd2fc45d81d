"""Figures as files for papers: SVG and PNG."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vl_convert

from prune.outputs import write_at_once
from prune.report.figures import Rows

_WIDTH = 640
"""Of figures that take the width they are given, in pixels."""
_SCALE = 2.0


def save(spec: dict[str, Any], data: Mapping[str, Rows], folder: Path, name: str) -> list[Path]:
    """Writes `name.svg` and `name.png`, unless they are there and of the same content; returns their paths."""
    spec = _with_data(spec, data)
    text = json.dumps(spec, sort_keys=True)
    mark = f"<!-- {hashlib.sha256(text.encode()).hexdigest()[:16]} -->"
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    if png.exists() and svg.exists() and svg.read_text().endswith(f"{mark}\n"):
        return [svg, png]
    lite = "vega-lite" in spec["$schema"]
    drawn: str = vl_convert.vegalite_to_svg(spec) if lite else vl_convert.vega_to_svg(spec)
    write_at_once(svg, f"{drawn}\n{mark}\n")
    png.write_bytes(vl_convert.svg_to_png(drawn, scale=_SCALE))
    return [svg, png]


def _with_data(spec: dict[str, Any], data: Mapping[str, Rows]) -> dict[str, Any]:
    if "vega-lite" not in spec["$schema"]:
        return spec | {
            "data": [one | ({"values": data[one["name"]]} if one["name"] in data else {}) for one in spec["data"]]
        }
    width = {"width": _WIDTH} if spec.get("width") == "container" else {}
    return spec | width | {"datasets": dict(data)}
