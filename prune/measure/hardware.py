"""What speed was measured on, as a record names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def hardware(environment: Mapping[str, Any], device: str = "auto", dtype: str = "float32", runtime: str = "") -> str:
    """Times are comparable where this is equal.

    Args:
        environment: As prune/measure/environment.py finds it.
        runtime: Of an exported format; empty for torch itself.
    """
    gpu = environment.get("gpu") if device != "cpu" else None
    on = gpu or f"{environment.get('processor') or 'unknown processor'}, {environment.get('threads', '?')} threads"
    return ", ".join([on, dtype, *([runtime] if runtime else [])])
