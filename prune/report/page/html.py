"""The page as one file of HTML, with all that it draws with."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from prune.files.atomic import write_at_once
from prune.files.paths import cache_folder
from prune.report.detail.run import Detail
from prune.report.figures.run import MAPS, figures_of
from prune.report.figures.theme import DARK, FONT, LIGHT
from prune.report.figures.units import layer_labels
from prune.report.page.content import Page
from prune.report.summary import RunSummary, again
from prune.results.record import Record

_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("parts.js", "chart.js", "frontier.js", "results.js", "detail.js", "compare.js", "main.js")
_PARTS = ("recipe", "kept", "figures", "maps")
_LARGEST = 14_000_000
"""Bytes of the page. The details of single runs take the room that the rest leaves."""


def html_of(page: Page, records: Sequence[Record | None], details: Sequence[Detail]) -> str:
    """The text of the page; `records` and `details` are those of `page.runs`, None for a run that is not finished."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    content, library = _in_script(_json(vars(page))), _library()
    parts = _parts(page.runs, records, details, _LARGEST - len(content.encode()) - len(library.encode()))
    return environment.get_template("report.html").render(
        title=page.title,
        data=content,
        parts=_in_script(_json(parts)),
        light=LIGHT,
        dark=DARK,
        font=FONT,
        library=library,
        scripts=_SCRIPTS,
    )


def _in_script(text: str) -> str:
    """JSON that ends no script element and begins none."""
    return text.replace("<", "\\u003c")


def _library() -> str:
    """Vega and Vega-Lite as one script, without network: put together once per version, where it can be kept."""
    file = cache_folder() / f"vega-{version('vl-convert-python')}.js"
    if file.exists():
        return file.read_text("utf-8")
    text: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with contextlib.suppress(OSError):
        write_at_once(file, text)
    return text


def _parts(
    runs: Sequence[RunSummary], records: Sequence[Record | None], details: Sequence[Detail], room: int
) -> list[dict[str, str]]:
    """For each run the parts that are unpacked only when it is opened; at most `room` bytes in all.

    First the recipes of all runs, then what they kept, and so on; the last runs come first.
    """
    parts: list[dict[str, str]] = [{} for _ in records]
    for name in _PARTS:
        for number in reversed(range(len(records))):
            content = _part(name, Path(runs[number].folder), records[number], details[number])
            packed = _packed(content) if content else ""
            room -= len(packed)
            if room < 0:
                return parts
            if packed:
                parts[number][name] = packed
    return parts


def _part(name: str, folder: Path, record: Record | None, detail: Detail) -> Any:
    if name == "recipe":
        return detail.recipe and {"text": detail.recipe, "command": again(detail.recipe, folder)}
    if name == "kept":
        labels = layer_labels(detail.sublayers)
        return [
            {"layer": labels[layer.name], "site": layer.site, "units": layer.num_units, "kept": layer.kept}
            for layer in detail.sublayers
        ]
    return [vars(figure) for figure in figures_of(record, detail) if (figure.kind == MAPS) == (name == "maps")]


def _packed(content: Any) -> str:
    return base64.b64encode(gzip.compress(_json(content).encode(), mtime=0)).decode()


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"), default=vars)
