"""What no value of any key exceeds: what does is a slip, or meant to harm. Told before anything is built from it."""

from __future__ import annotations

from typing import Any

from prune.runtime.sanitize import is_inert, shown

LONGEST_TEXT, LONGEST_LIST = 1_000, 1_000
DEEPEST = 12
"""Levels of brackets."""
_LARGEST = 2**31
_LARGEST_OF = {"schedule.budget_flops": 1e30}
"""What is counted in larger numbers."""


def problem_of(key: str, value: Any) -> str | None:
    """Why `value` can be no value of any key, in a sentence; None where it may be one."""
    if (allowed := _allowed(value, _LARGEST_OF.get(key, _LARGEST))) is not None:
        return f"{key}={shown(value)}: {allowed}"
    for item in _items(value):
        if problem := problem_of(key, item):
            return problem
    return None


def _allowed(value: Any, largest: float) -> str | None:
    """What `value` itself is not."""
    if isinstance(value, (int, float)) and largest <= abs(value) < float("inf"):
        return f"a number must be below {'2^31' if largest == _LARGEST else f'{largest:g}'}"
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"a text has at most {LONGEST_TEXT:,} characters"
    if isinstance(value, str) and not is_inert(value):
        return "it holds a character that cannot be shown"
    if isinstance(value, (dict, list, tuple)) and len(value) > LONGEST_LIST:
        return f"a list has at most {LONGEST_LIST:,} entries"
    return None


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, (list, tuple)) else []
