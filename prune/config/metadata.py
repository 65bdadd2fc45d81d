"""What a field of the schema says about its values: the range that they lie in, and their role in a run's identity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

RANGE, ROLE = "range", "role"


@dataclass(frozen=True)
class Range:
    """An interval of numbers; a bound that is None does not bind."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def __str__(self) -> str:
        bounds = {"above": self.above, "at least": self.at_least, "below": self.below, "at most": self.at_most}
        return ", ".join(f"{name} {bound:g}" for name, bound in bounds.items() if bound is not None) or "finite"


POSITIVE = Range(above=0)
NON_NEGATIVE = Range(at_least=0)
FRACTION = Range(above=0, at_most=1)
"""A part of something that may be all of it."""
PROBABILITY = Range(at_least=0, below=1)
FINITE = Range()


class Role(Enum):
    """What a field of a run's config does for its identity."""

    setting = "setting"
    """Changes the result: runs that differ in it are different runs."""
    replicate = "replicate"
    """Numbers the repetitions of a run."""
    session = "session"
    """Says where and how a run is carried out, watched and searched for."""
    annotation = "annotation"
    """Says something about a run, and changes nothing in it."""


def within(bounds: Range) -> dict[str, Any]:
    """Metadata of a field whose value, or each of whose values, lies in a range."""
    return {RANGE: bounds}


def role(kind: Role) -> dict[str, Any]:
    """Metadata of a field of the run's config."""
    return {ROLE: kind}
