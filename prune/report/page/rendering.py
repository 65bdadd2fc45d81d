"""A page as one file of HTML, with all that it draws with: it opens from disk and needs no network."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import vl_convert

from prune.files.atomic import write_at_once
from prune.files.paths import cache_folder
from prune.report.figures.theme import DARK, FONT, LIGHT

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, scripts: Sequence[str], data: Any, parts: Any = (), **values: Any) -> str:
    """The text of the page that `template` makes.

    Args:
        scripts: Names of files, in the order in which they run.
        data: What they find in `data`; anything that JSON can hold.
        parts: What they find in `parts`.
        values: What the template shows.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(
        data=in_script(as_json(data)),
        parts=in_script(as_json(parts)),
        light=LIGHT,
        dark=DARK,
        font=FONT,
        library=library(),
        scripts=scripts,
        **values,
    )


def in_script(text: str) -> str:
    """JSON that ends no script element and begins none."""
    return text.replace("<", "\\u003c")


def as_json(content: Any) -> str:
    """JSON without spaces; objects by their fields."""
    return json.dumps(content, separators=(",", ":"), default=vars)


@cache
def library() -> str:
    """Vega and Vega-Lite as one script, without network: put together once per version, where it can be kept."""
    file = cache_folder() / f"vega-{version('vl-convert-python')}.js"
    if file.exists():
        return file.read_text("utf-8")
    text: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with contextlib.suppress(OSError):
        write_at_once(file, text)
    return text
