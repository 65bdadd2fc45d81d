"""Figures as files for papers: SVG and PNG."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vl_convert

from prune.files import confined
from prune.report.figures import Rows
from prune.results.layout import FIGURES
from prune.runtime.sanitize import file_name, one_line

_WIDTH = 640
"""Of figures that take the width they are given, in pixels."""
_SCALE = 2.0
_TWO_IN_UTF_16 = re.compile("[^\x00-\uffff]")
_LARGEST = 2**53
"""Integer that is one in JavaScript."""


def save(spec: dict[str, Any], data: Mapping[str, Rows], root: Path, name: str) -> list[Path]:
    """Writes an SVG and a PNG, named after `name`, among the figures of `root`, unless they are there and of the same
    content; returns their paths.

    Raises:
        OSError: if they cannot be written, or links lead the figures out of `root`.
    """
    spec = _inert(_with_data(spec, data))
    text = json.dumps(spec, sort_keys=True)
    mark = f"<!-- {hashlib.sha256(text.encode()).hexdigest()[:16]} -->"
    svg, png = (root / FIGURES / f"{file_name(name)}.{form}" for form in ("svg", "png"))
    if png.is_file() and _is_marked(root, svg, mark):
        return [svg, png]
    lite = "vega-lite" in spec["$schema"]
    drawn: str = vl_convert.vegalite_to_svg(spec) if lite else vl_convert.vega_to_svg(spec)
    confined.write(root, svg, f"{drawn}\n{mark}\n")
    confined.write(root, png, vl_convert.svg_to_png(drawn, scale=_SCALE))
    return [svg, png]


def _is_marked(root: Path, svg: Path, mark: str) -> bool:
    try:
        return confined.read_text(root, svg).endswith(f"{mark}\n")
    except (OSError, ValueError):
        return False


def _inert(content: Any) -> Any:
    """`content` without what cannot be drawn, or ends the process that draws it: characters that no SVG may have, those
    that are two in UTF-16, between which Vega cuts long texts, and integers that are too long for it."""
    if isinstance(content, str):
        return _TWO_IN_UTF_16.sub("\ufffd", one_line(content))
    if isinstance(content, int) and abs(content) > _LARGEST:
        return float(content)
    if isinstance(content, Mapping):
        return {key: _inert(value) for key, value in content.items()}
    return [_inert(value) for value in content] if isinstance(content, (list, tuple)) else content


def _with_data(spec: dict[str, Any], data: Mapping[str, Rows]) -> dict[str, Any]:
    if "vega-lite" not in spec["$schema"]:
        return spec | {
            "data": [one | ({"values": data[one["name"]]} if one["name"] in data else {}) for one in spec["data"]]
        }
    width = {"width": _WIDTH} if spec.get("width") == "container" else {}
    return spec | width | {"datasets": dict(data)}
