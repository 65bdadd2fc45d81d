"""The page over all results, as HTML."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prune.report.detail.run import Detail
from prune.report.figures.run import MAPS, figures_of
from prune.report.figures.units import layer_labels
from prune.report.page.content import Page
from prune.report.page.rendering import as_json, in_script, library, render
from prune.report.summary import RunSummary, repeat_command
from prune.results.record import Record
from prune.results.unfinished import reason_of

_SCRIPTS = ("parts.js", "chart.js", "frontier.js", "figures.js", "results.js", "detail.js", "compare.js", "main.js")
_PARTS = ("recipe", "kept", "figures", "maps")
_LARGEST = 14_000_000
"""Bytes of the page. The details of single runs take the room that the rest leaves."""


def html_of(page: Page, runs: Sequence[tuple[Record | None, Detail]], problems: list[str]) -> tuple[str, list[str]]:
    """The text of the page, and what could not be drawn on it.

    Args:
        runs: Record and detail of each of `page.runs`; of a run that is not finished the record is None.
        problems: What the page tells beside `page.problems`.
    """
    content = vars(page)
    room = _LARGEST - len(in_script(as_json(content))) - len(library().encode())
    parts, undrawn = _parts(page.runs, runs, room)
    content = content | {"problems": [*page.problems, *problems, *undrawn]}
    figures = ("densities", "learning_curves", "overlaps")
    shown = {name: bool(getattr(page, name)) for name in figures} | {"audited": page.audited}
    text = render("report.html", _SCRIPTS, content, parts, title=page.title, **shown)
    return text, undrawn


def _parts(
    summaries: Sequence[RunSummary], runs: Sequence[tuple[Record | None, Detail]], room: int
) -> tuple[list[dict[str, str]], list[str]]:
    """For each run the parts that are unpacked only when it is opened, at most `room` bytes in all; and what went wrong
    with which.

    First the recipes of all runs, then what they kept, and so on; the last runs come first.
    """
    parts: list[dict[str, str]] = [{} for _ in runs]
    undrawn = []
    for name in _PARTS:
        for number, (record, detail) in reversed(list(enumerate(runs))):
            folder = summaries[number].folder
            try:
                content = _part(name, Path(folder), record, detail)
                packed = _packed(content) if content else ""
            except Exception as error:  # whatever it is, it takes no other run with it
                undrawn.append(f"shown without {name}: {folder}: {reason_of(error)}")
                continue
            room -= len(packed)
            if room < 0:
                return parts, undrawn
            if packed:
                parts[number][name] = packed
    return parts, undrawn


def _part(name: str, folder: Path, record: Record | None, detail: Detail) -> Any:
    if name == "recipe":
        return detail.recipe and {"text": detail.recipe, "command": repeat_command(detail.recipe, folder)}
    if name == "kept":
        labels = layer_labels(detail.sublayers)
        return [
            {"layer": labels[layer.name], "site": layer.site, "units": layer.num_units, "kept": layer.kept}
            for layer in detail.sublayers
        ]
    return [vars(figure) for figure in figures_of(record, detail) if (figure.kind == MAPS) == (name == "maps")]


def _packed(content: Any) -> str:
    return base64.b64encode(gzip.compress(as_json(content).encode(), mtime=0)).decode()
