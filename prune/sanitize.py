"""Makes text that others wrote inert, one function for each kind of output.

Records, recipes, configs and file names may come from anybody. A terminal obeys escape sequences, Markdown has links
and images, a spreadsheet computes cells, and a path may lead anywhere. HTML is escaped by Jinja, JSON by json.
"""

from __future__ import annotations

import hashlib
import re
import reprlib
import unicodedata
from typing import Any

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", flags=re.ASCII)
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]+", flags=re.ASCII)
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$!]|&(?=[#\w])|(?<!\w)_|_(?!\w)|(?<=\w):(?=//)|(?<=\b[wW]{3})\.")
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 100, 100
_FORMULA = ("=", "+", "-", "@")


def for_terminal(text: str) -> str:
    """`text` without what a terminal would obey: control and formatting characters are shown as escapes.

    Line breaks stay; see `one_line`.
    """
    return text if _is_inert(text) else "".join(one if one == "\n" or _is_inert(one) else _escape(one) for one in text)


def one_line(text: str) -> str:
    """The same on a single line."""
    return for_terminal(" ".join(text.splitlines()) if len(text.splitlines()) > 1 else text.strip("\r\n"))


def short(value: Any) -> str:
    """A value in an error message as Python writes it, cut where it is long."""
    return _SHORT.repr(value)


def for_markdown(text: str) -> str:
    """`text` on one line of Markdown, none of it markup. An underscore within a word is none."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))


def for_csv(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, on one line. Numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def file_name(text: str) -> str:
    """`text` where it is a plain name; otherwise what can be kept of it and a hash, so that names stay different."""
    if _FILE_NAME.fullmatch(text):
        return text
    kept = _NOT_IN_FILE_NAMES.sub("_", text[:40]).strip("_-")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept}-{digest}" if kept else digest


def _is_inert(text: str) -> bool:
    return text.isprintable() or all(one.isprintable() or unicodedata.category(one) == "Zs" for one in text)


def _escape(character: str) -> str:
    return ascii(character)[1:-1]
