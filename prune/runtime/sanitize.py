"""Makes text that others wrote inert, one function for each kind of output.

Records, recipes, configs and file names may come from anybody. A terminal obeys escape sequences, Markdown has links
and images, a spreadsheet computes cells, and a path may lead anywhere. HTML is escaped by Jinja, JSON by json.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import Any

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", flags=re.ASCII)
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]+", flags=re.ASCII)
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$!]|&(?=[#\w])|(?<!\w)_|_(?!\w)|(?<=\w):(?=//)|(?<=\b[wW]{3})\.")
_FORMULA = ("=", "+", "-", "@")
_SHOWN = 100


def for_terminal(text: str) -> str:
    """`text` without what a terminal would obey: control and formatting characters are shown as escapes.

    Line breaks stay; see `one_line`.
    """
    return text if is_inert(text) else "".join(one if one == "\n" or is_inert(one) else _escape(one) for one in text)


def is_inert(text: str) -> bool:
    """Whether `text` has no character that a terminal would obey, or that no file could hold."""
    return text.isprintable() or all(one.isprintable() or unicodedata.category(one) == "Zs" for one in text)


def one_line(text: str) -> str:
    """The same on a single line."""
    return for_terminal(" ".join(text.splitlines()) if len(text.splitlines()) > 1 else text.strip("\r\n"))


def shown(value: Any, most: int = _SHOWN) -> str:
    """A value as an error tells it: in full where it is short, otherwise how it begins, and how long it is."""
    return _cut(str, value, most)


def quoted(value: Any, most: int = _SHOWN) -> str:
    """The same as Python writes it, texts in quotes."""
    return _cut(repr, value, most)


def _cut(write: Callable[[Any], str], value: Any, most: int) -> str:
    try:
        text = one_line(write(value))
    except (ValueError, RecursionError):  # a number of more than 4,300 digits; lists in lists
        return "(too large to be shown)"
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"


def for_markdown(text: str) -> str:
    """`text` on one line of Markdown, none of it markup. An underscore within a word is none."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))


def for_csv(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, on one line. Numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip().startswith(_FORMULA) else text


def file_name(text: str) -> str:
    """`text` where it is a plain name; otherwise what can be kept of it and a hash, so that names stay different."""
    if _FILE_NAME.fullmatch(text):
        return text
    kept = _NOT_IN_FILE_NAMES.sub("_", text[:40]).strip("_-")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept}-{digest}" if kept else digest


def _escape(character: str) -> str:
    return ascii(character)[1:-1]
