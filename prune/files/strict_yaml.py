"""YAML from strangers: plain keys and values, and nothing else that YAML can do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from prune.errors import UserError
from prune.files.limits import DEEPEST
from prune.runtime.sanitize import is_inert, shown

LARGEST = 100_000
"""In bytes."""


def read(path: Path) -> dict[str, Any]:
    """The mapping that a file holds.

    Raises:
        UserError: if it is too large, no text in UTF-8, no YAML, no mapping of keys to values, or not plain.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise UserError(f"{path} is too large: a recipe has at most {LARGEST} bytes")
        text = raw.decode("utf-8-sig")
        if trick := next(_tricks(text), None):
            raise UserError(f"{path}: {trick} not allowed in a recipe")
        content = yaml.load(text, Loader=_UniqueKeys)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, the 32nd of May, numbers of 5,000 digits
        raise UserError(f"{path} is no plain YAML: {_reason(error)}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no mapping of keys to values")
    if odd := [text for text in texts(content) if not is_inert(text)]:
        raise UserError(f"{path}: {shown(ascii(odd[0]))} holds a character that cannot be shown")
    return content


def _tricks(text: str) -> Iterator[str]:
    """What goes beyond plain YAML, in the order of the text; found before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            yield f"more than {DEEPEST} levels are"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield "anchors and aliases are"
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<":
            yield "merge keys are"
        if getattr(event, "tag", None):
            yield "tags (!...) are"


def keys(content: Any) -> Iterator[str]:
    """All keys of nested mappings, those in lists included."""
    if isinstance(content, dict):
        yield from map(str, content)
    for item in _items(content):
        yield from keys(item)


def texts(content: Any) -> Iterator[str]:
    """All texts of nested mappings and lists, keys included."""
    if isinstance(content, str):
        yield content
    if isinstance(content, dict):
        yield from filter(_is_text, content)
    for item in _items(content):
        yield from texts(item)


def _is_text(content: Any) -> bool:
    return isinstance(content, str)


def _items(content: Any) -> Iterator[Any]:
    """What a mapping or a list holds."""
    if isinstance(content, dict):
        yield from content.values()
    elif isinstance(content, (list, tuple)):
        yield from content


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    return " ".join(str(error).split())[:200]


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping that names a key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping
