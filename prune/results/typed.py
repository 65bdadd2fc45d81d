"""Checks of a stranger's JSON: the types, lengths and depths with which everything that is drawn from it can cope.

Not pydantic: its strict types know neither what can be drawn (names, depth, size) nor dataclasses whose fields may all
be absent, so most of these checks would stay, as its validators, with one more package to load.
"""

from __future__ import annotations

import math
import types
import unicodedata
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

LONGEST_NAME = 255
"""Characters, as many as the name of a folder may have."""
_LONGEST_TEXT = 100_000
_DEEPEST = 20
_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters that no name has: control characters, halves of characters, and breaks of lines."""
_NO_CHARACTERS = "\ufffe\uffff"
Check = Callable[[Any], "str | None"]
"""Where in a value something is wrong, as `.key.key`; None: nowhere."""


def is_name(value: Any) -> bool:
    """Whether it is a short text on one line, which can be drawn."""
    return type(value) is str and len(value) <= LONGEST_NAME and (value.isprintable() or all(map(_is_shown, value)))


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _UNSHOWN and character not in _NO_CHARACTERS


def is_text(value: Any) -> bool:
    """Whether it is a text that a file can hold."""
    if type(value) is not str or len(value) > _LONGEST_TEXT:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def is_finite(value: Any) -> bool:
    """Whether it is a number so small that sums do not overflow."""
    return type(value) in (int, float) and abs(value) < 1e100


def is_whole(value: Any) -> bool:
    """Whether it is an integer of such a size."""
    return type(value) is int and abs(value) < 1e100


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether it is a text, a number, a truth value, nothing, or a list or named values of these, not too deep."""
    if type(value) is dict:
        return all(map(is_text, value)) and is_plain(list(value.values()), depth)
    if type(value) is list:
        return depth < _DEEPEST and all(is_plain(item, depth + 1) for item in value)
    return value is None or type(value) is bool or is_finite(value) or is_text(value)


def _are(values: Any, is_right: Callable[[Any], bool]) -> bool:
    """Whether it is a mapping of names to such values."""
    return type(values) is dict and all(map(is_name, values)) and all(map(is_right, values.values()))


def _is_score(value: Any) -> bool:
    """NaN is none; a threshold may be infinite."""
    return is_finite(value) or (type(value) is float and math.isinf(value))


_SIMPLE: dict[Any, Callable[[Any], bool]] = {
    str: is_text,
    bool: lambda value: type(value) is bool,
    int: is_whole,
    float: is_finite,
    types.NoneType: lambda value: value is None,
    Any: is_plain,
    dict[str, Any]: lambda value: type(value) is dict and is_plain(value),
    dict[str, dict[str, float]]: lambda value: _are(value, lambda scores: _are(scores, _is_score)),
}


@cache
def check_of(kind: Any, free: tuple[str, ...] = ()) -> Check:
    """A check that a value is of a type, as dataclasses annotate it. Their fields may be absent; those that are unknown
    or `free` hold anything plain."""
    if kind in _SIMPLE:
        return _whole_value(_SIMPLE[kind])
    if is_dataclass(kind):
        return _fields({name: hint for name, hint in get_type_hints(kind).items() if name not in free})
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        either = [check_of(member) for member in inner]
        return _whole_value(lambda value: any(check(value) is None for check in either))
    item = check_of(inner[-1]) if inner else None
    if origin is list and item:
        return _whole_value(lambda value: type(value) is list and all(item(element) is None for element in value))
    if origin is dict and item:
        return _whole_value(lambda value: _are(value, lambda element: item(element) is None))
    assert issubclass(kind, Enum), kind
    return _whole_value(is_text)


def _whole_value(is_right: Callable[[Any], bool]) -> Check:
    return lambda value: None if is_right(value) else ""


def _fields(hints: dict[str, Any]) -> Check:
    checks = {name: check_of(hint) for name, hint in hints.items()}

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return ""
        for name, content in value.items():
            if name not in checks:
                if not is_plain({name: content}):
                    return f".{name!a}"
            elif (place := checks[name](content)) is not None:
                return f".{name}{place}"
        return None

    return check
