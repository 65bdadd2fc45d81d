"""Where each matrix has weights left, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prune.report.detail.matrices import Sublayer
from prune.report.detail.pixels import FULL, REMOVED, SPARSE, ZERO, swatch
from prune.report.figures import Rows
from prune.report.figures.theme import FONT, Colors
from prune.report.figures.units import layer_labels
from prune.runtime.wording import counted

_GAP, _LEFT, _TOP = 8, 84, 76
_HEIGHTS = ((6, 56), (12, 44), (24, 30))
"""Up to so many layers -> height of a map in pixels."""
_SMALLEST = 22
_WIDEST = 4.0
"""Width of a map over its height."""
_LEGEND = {"removed": REMOVED, "left, but zero": ZERO, "few of its weights": SPARSE, "all of its weights": FULL}
_SWATCH, _ENTRY = 12, 128
_STAGES = {"compact": "before the fill", "fill": "after the fill"}


def spec(colors: Colors) -> dict[str, Any]:
    """Vega, since Vega-Lite's pictures are all of one size. Data sets `maps`, `texts` and `size`, in pixels."""
    legend = [
        {"x": _LEFT + number * _ENTRY, "y": 8, "width": _SWATCH, "height": _SWATCH, "url": swatch(color), "text": text}
        for number, (text, color) in enumerate(_LEGEND.items())
    ]
    box = {name: {"field": name} for name in ("x", "y", "width", "height")}
    return {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "padding": 6,
        "background": None if colors["ink"].startswith("var") else colors["paper"],
        "data": [{"name": "maps"}, {"name": "texts"}, {"name": "size"}, {"name": "legend", "values": legend}],
        "signals": [
            {"name": "width", "update": "data('size').length ? data('size')[0].width : 0"},
            {"name": "height", "update": "data('size').length ? data('size')[0].height : 0"},
        ],
        "marks": [
            *(_pictures(data, box, colors) for data in ("maps", "legend")),
            _words("texts", {"x": {"field": "x"}, "y": {"field": "y"}, "align": {"field": "align"},
                             "fontSize": {"field": "size"}, "fontWeight": {"field": "weight"}}, colors),
            _words("legend", {"x": {"field": "x", "offset": _SWATCH + 5}, "y": {"field": "y", "offset": _SWATCH / 2},
                              "fontSize": {"value": 11}}, colors),
        ],
    }  # fmt: skip


def _pictures(data: str, box: dict[str, Any], colors: Colors) -> dict[str, Any]:
    """Pictures in frames."""
    labelled = {"tooltip": {"field": "spoken"}, "description": {"field": "spoken"}}
    plain = {"url": {"field": "url"}, "aspect": {"value": False}, "smooth": {"value": False}}
    frame = {"stroke": {"value": colors["soft"]}, "strokeWidth": {"value": 0.75}}
    return {"type": "group", "marks": [
        {"type": "image", "from": {"data": data}, "encode": {"update": box | plain | labelled}},
        {"type": "rect", "from": {"data": data}, "interactive": False, "encode": {"update": box | frame}},
    ]}  # fmt: skip


def _words(data: str, place: dict[str, Any], colors: Colors) -> dict[str, Any]:
    look = {"font": {"value": FONT}, "fill": {"value": colors["ink"]}, "baseline": {"value": "middle"}}
    return {"type": "text", "from": {"data": data}, "interactive": False,
            "encode": {"update": place | look | {"text": {"field": "text"}}}}  # fmt: skip


def rows(sublayers: Sequence[Sublayer], stage: str) -> dict[str, Rows]:
    """The three data sets for what a stage left; empty where no weights are at hand."""
    layers: dict[str, list[Sublayer]] = {}
    for sublayer in sublayers:
        layers.setdefault(sublayer.name.rpartition(".")[0], []).append(sublayer)
    height = next((size for most, size in _HEIGHTS if len(layers) <= most), _SMALLEST)
    columns = _columns(list(layers.values()), stage, height)
    if not columns:
        return {"maps": [], "texts": [], "size": []}
    labels = layer_labels(sublayers)
    maps, texts = [], [_text(x, _TOP - 14, name, size=11) for (_, name), (x, _) in columns.items()]
    for number, members in enumerate(layers.values()):
        y = _TOP + number * (height + _GAP)
        name = labels[members[-1].name]
        texts.append(_text(_LEFT - 10, y + height / 2, name, align="right"))
        for slot, sublayer in _slots(members):
            for matrix in sublayer.matrices:
                x, width = columns[slot, matrix.name]
                where = f"{name}, {sublayer.site.replace('_', '-')} {matrix.name}, {matrix.rows} x {matrix.columns}"
                left = f"{100 * matrix.density[stage]:.1f} % of the weights left, {sublayer.num_kept} of "
                maps.append({"x": x, "y": y, "width": width, "height": height, "url": matrix.pictures[stage],
                             "spoken": f"{where}: {left}{counted(sublayer.num_units, 'unit')}"})  # fmt: skip
    last = list(columns.values())[-1]
    texts += _site_titles(list(layers.values()), columns)
    return {"maps": maps, "texts": texts,
            "size": [{"width": last[0] + last[1], "height": _TOP + len(layers) * (height + _GAP)}]}  # fmt: skip


def stages(sublayers: Sequence[Sublayer]) -> list[str]:
    """The stages to draw, the result last: it alone where the fill found no zeros to free."""
    pictures = [matrix.pictures for sublayer in sublayers for matrix in sublayer.matrices]
    drawn = sorted({stage for of_stage in pictures for stage in of_stage})
    return drawn if any(len(set(of_stage.values())) > 1 for of_stage in pictures) else drawn[-1:]


def title(stage: str, stages: Sequence[str]) -> str:
    """Of the picture of a stage, where there are `stages`."""
    return _STAGES[stage] if len(stages) > 1 else "the result"


def _slots(members: Sequence[Sublayer]) -> list[tuple[str, Sublayer]]:
    """The sublayers of a layer, named by site and their number there, so that layers of several stacks align."""
    count: dict[str, int] = {}
    slots = []
    for sublayer in sorted(members, key=lambda s: s.site):
        count[sublayer.site] = count.get(sublayer.site, 0) + 1
        slots.append((f"{sublayer.site} {count[sublayer.site]}", sublayer))
    return slots


def _columns(layers: list[list[Sublayer]], stage: str, height: int) -> dict[tuple[str, str], tuple[float, float]]:
    """(slot, matrix) -> left edge and width."""
    widths: dict[tuple[str, str], float] = {}
    for slot, sublayer in sorted((pair for members in layers for pair in _slots(members)), key=lambda pair: pair[0]):
        for matrix in sublayer.matrices:
            if stage in matrix.pictures:
                long, short = max(matrix.rows, matrix.columns), min(matrix.rows, matrix.columns)
                widths.setdefault((slot, matrix.name), height * min(_WIDEST, long / max(1, short)))
    columns, x = {}, float(_LEFT)
    for key, width in widths.items():
        columns[key] = (x, width)
        x += width + _GAP
    return columns


def _site_titles(layers: list[list[Sublayer]], columns: dict[tuple[str, str], tuple[float, float]]) -> Rows:
    """The name of the sublayers that stand below each other; their site's, where they have several."""
    names: dict[str, set[str]] = {}
    for slot, sublayer in (pair for members in layers for pair in _slots(members)):
        names.setdefault(slot, set()).add(sublayer.name.rpartition(".")[2])
    starts = {slot: x for (slot, _), (x, _) in reversed(columns.items())}
    return [
        _text(
            x,
            _TOP - 34,
            (names[slot].pop() if len(names[slot]) == 1 else slot.split()[0]).replace("_", "-"),
            weight=600,
        )
        for slot, x in starts.items()
    ]


def _text(x: float, y: float, text: str, align: str = "left", size: int = 12, weight: int = 400) -> dict[str, Any]:
    return {"x": x, "y": y, "text": text, "align": align, "size": size, "weight": weight}
