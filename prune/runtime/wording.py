"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def counted(number: int, noun: str) -> str:
    """`1 step`, `2 steps`; for nouns whose plural takes an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def batch_in_words(shape: Mapping[str, Any]) -> str:
    """The batch of a measurement: `32 x 128 tokens`; of real lengths, `32 x 27 real tokens`."""
    return f"{shape['batch_size']} x {shape['length']}{' real' if shape.get('real') else ''} tokens"


def times_faster(speedup: float) -> str:
    """A ratio of times as what it means: `1.50 times faster`, `1.28 times slower`, or `just as fast`."""
    if f"{speedup:.2f}" == "1.00":
        return "just as fast"
    return f"{speedup:.2f} times faster" if speedup > 1 else f"{1 / speedup:.2f} times slower"
