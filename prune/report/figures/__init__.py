"""The figures, each a description in Vega-Lite (or Vega) without its data, and the rows that it is drawn from.

One library draws them all, wherever: in the page, where they answer to pointer and keyboard, the Vega runtime that
vl-convert carries; in the files for papers, SVG and PNG, vl-convert itself. So a figure is described once. It needs no
browser, as Plotly's files do, and no second plotter for the page, as Matplotlib would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Figure:
    """One figure of a run."""

    name: str
    """Of its file."""
    kind: str
    """Of its description: see prune/report/figures/run.py."""
    title: str
    data: Mapping[str, Rows]
    """The rows of each data set that the description names."""
