"""How far runs agree on what they kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prune.overlap.comparison import Comparison, Pair
from prune.overlap.formats import in_texts, labels, title
from prune.report.figures import Figure, Rows
from prune.report.figures.theme import Colors, config
from prune.runtime.sanitize import shown

NAME = "overlap"
"""Of the descriptions of matrices, each with its number."""
MOST_MEMBERS = 60
"""Of a figure: more cells are too small to be read, wherever they are."""
_WIDTH, _LINE, _MARGIN = 44, 13, 16
"""Of a cell, in pixels."""


def drawn(comparisons: Sequence[Comparison], colors: Colors) -> Iterator[tuple[Figure, dict[str, Any]]]:
    """A heat map for each comparison of at most `MOST_MEMBERS`, and its description."""
    names: set[str] = set()
    for number, one in enumerate(comparisons):
        if len(one.members) > MOST_MEMBERS:
            continue
        name = f"overlap-{one.model}-{one.kind}"
        name = name if name not in names else f"{name}-{number}"
        names.add(name)
        figure = Figure(name, f"{NAME}-{number}", shown(title(one), most=300), {"cells": _rows(one)})
        lines = ["index", "excess", *(["deviation"] if any(cell["deviation"] for cell in figure.data["cells"]) else [])]
        lines += ["pairs"] if one.has_several_pairs else []
        yield figure, matrix_spec([shown(label) for label in labels(one)], lines, colors)


def matrix_spec(members: Sequence[str], lines: Sequence[str], colors: Colors) -> dict[str, Any]:
    """Data set `cells`: the lower half of the matrix of `members`, whose names begin with their numbers. `lines`: the
    texts of a cell, one below the other.

    Colours tell whether more is kept in common than by random masks, and how strong they are, how much.
    """
    numbers = [str(number + 1) for number in range(len(members))]
    texts = [
        {"mark": {"type": "text", "dy": _LINE * (line - (len(lines) - 1) / 2), "fontSize": 11, "color": colors["ink"]},
         "encoding": {"text": {"field": field}}}
        for line, field in enumerate(lines)
    ]  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": {"step": _WIDTH},
        "height": {"step": _LINE * len(lines) + _MARGIN},
        "config": config(colors),
        "data": {"name": "cells"},
        "layer": [
            {"mark": {"type": "rect", "stroke": colors["line"]},
             "encoding": {
                 "color": {"field": "side", "type": "nominal", "title": None, "legend": {"orient": "top"},
                           "scale": {"domain": ["more than by chance", "less than by chance"],
                                     "range": [colors["series-0"], colors["series-1"]]}},
                 "opacity": {"field": "strength", "type": "quantitative", "legend": None,
                             "scale": {"domain": [0, 1], "range": [0, 0.85]}},
                 "tooltip": {"field": "spoken"},
                 "description": {"field": "spoken"},
             }},
            *texts,
        ],
        "encoding": {
            "x": {"field": "column", "type": "ordinal", "title": None, "scale": {"domain": numbers},
                  "axis": {"labelAngle": 0, "orient": "bottom"}},
            "y": {"field": "row", "type": "ordinal", "title": None, "scale": {"domain": list(members)},
                  "axis": {"labelLimit": 420}},
        },
    }  # fmt: skip


def _rows(comparison: Comparison) -> Rows:
    names = [shown(label) for label in labels(comparison)]
    return [_cell(names, pair) for pair in comparison.pairs if pair.figures.jaccard is not None]


def _cell(names: Sequence[str], pair: Pair) -> dict[str, Any]:
    index, excess, deviation, pairs = in_texts(pair.figures)
    beyond = pair.figures.excess or 0.0
    first, second = names[pair.first], names[pair.second]
    whom = f"{first} and {second}" if pair.first < pair.second else f"seeds of {first}"
    return {
        "row": second, "column": str(pair.first + 1), "index": index, "excess": excess, "deviation": deviation,
        "pairs": pairs, "strength": abs(beyond),
        "side": "less than by chance" if beyond < 0 else "more than by chance",
        "spoken": f"{whom}: Jaccard index {index}, {excess} {deviation} against random masks, {pairs}",
    }  # fmt: skip


def spec(colors: Colors) -> dict[str, Any]:
    """Data set `overlap`: how many units two runs keep, layer by layer. Drawn: the Jaccard index and what random masks
    give (prune/overlap/jaccard.py), where both runs keep some units of a layer and remove some."""
    partial = " && ".join(f"datum.{one} > 0 && datum.{one} < datum.units" for one in ("first", "second"))
    by_chance = "datum.first * datum.second / datum.units"
    formulas = {
        "index": f"{partial} ? datum.both / (datum.first + datum.second - datum.both) : null",
        "expected": f"{partial} ? {by_chance} / (datum.first + datum.second - {by_chance}) : null",
        "edge": "max(datum.index || 0, datum.expected || 0)",
        "text": "datum.index === null ? 'nothing to compare' : "
                "format(datum.index, '.2f') + ' (' + format(datum.index - datum.expected, '+.2f') + ')'",
        "spoken": "datum.layer + ', ' + datum.site + ': ' + datum.first + ' and ' + datum.second + ' of ' "
                  "+ datum.units + ' kept, ' + datum.both + ' by both' + (datum.index === null ? '' : "
                  "'; by chance ' + format(datum.expected, '.2f'))",
    }  # fmt: skip
    said = {"tooltip": {"field": "spoken"}, "description": {"field": "spoken"}}
    y_offset = {"yOffset": {"field": "pair", "type": "nominal", "sort": None}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": config(colors),
        "data": {"name": "overlap"},
        "transform": [{"calculate": formula, "as": name} for name, formula in formulas.items()],
        "facet": {"column": {"field": "site", "title": None, "sort": None}},
        "spec": {
            "width": 260,
            "height": {"step": 20},
            "layer": [
                {"mark": {"type": "bar", "height": {"band": 0.75}, "invalid": "show"}, "encoding": said},
                {"mark": {"type": "tick", "color": colors["ink"], "thickness": 2, "height": {"band": 0.9}},
                 "encoding": {"x": {"field": "expected", "type": "quantitative"}, "color": {"value": colors["ink"]}}},
                {"mark": {"type": "text", "align": "left", "dx": 6},
                 "encoding": {"text": {"field": "text"}, "color": {"value": colors["ink"]},
                              "x": {"field": "edge", "type": "quantitative"}}},
            ],
            "encoding": y_offset | {
                "x": {"field": "index", "type": "quantitative", "scale": {"domain": [0, 1]},
                      "title": "Jaccard index (its excess); mark: by chance"},
                "y": {"field": "layer", "type": "ordinal", "sort": None, "title": None},
                "color": {"field": "pair", "type": "nominal", "title": None, "sort": None,
                          "scale": {"range": [colors[f"series-{number}"] for number in range(8)]},
                          "legend": {"orient": "top", "columns": 1, "labelLimit": 600}},
            },
        },
    }  # fmt: skip
