"""The settings of runs, flat, and those in which runs differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prune.config.keys import flatten


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """The keys whose values are not the same in all of `settings`, in the order in which they first stand there."""
    keys = dict.fromkeys(key for values in settings for key in values)
    return [key for key in keys if len({values.get(key) for values in settings}) > 1]


def flat_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Nested settings: dotted key -> value, as one gives it on the command line. What is null or empty is left out."""
    return {one.key: _as_word(one.value) for one in flatten(settings) if one.value not in (None, {})}


def _as_word(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value, separators=(",", ":"))
