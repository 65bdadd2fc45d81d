"""How training went: what a stage's history says, as curves over its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_DIGITS = 4
_TITLES = {"loss": "total", "labels_loss": "against labels", "teacher_loss": "against the teacher",
           "layers_loss": "against its hidden states", "penalty_loss": "penalty"}  # fmt: skip
_UNITS = {"heads_left": "heads", "dimensions_left": "dimensions"}
_WITH_THRESHOLD, _WITH_PENALTY = ("soft_movement",), ("soft_movement", "l0")
"""Criteria that the schedule moves so: see `threshold` and `penalty` in prune/config.py."""


@dataclass(frozen=True)
class Curve:
    """One quantity over the steps of a stage."""

    panel: str
    """`loss`, `density`, `threshold`, `penalty`, `heads` or `dimensions`."""
    series: str
    steps: list[int]
    values: list[float]


def curves_of(history: list[dict[str, Any]], config: Mapping[str, Any]) -> list[Curve]:
    """All that a history logs; threshold and penalty follow from the schedule's place in it and the run's config."""
    found: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    for entry in history:
        if "loss" not in entry or "step" not in entry:
            continue
        for panel, series, value in _quantities(entry, config):
            steps, values = found.setdefault((panel, series), ([], []))
            steps.append(int(entry["step"]))
            values.append(float(f"{value:.{_DIGITS}g}"))
    return [Curve(panel, series, steps, values) for (panel, series), (steps, values) in found.items()]


def _quantities(entry: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for key, value in entry.items():
        if key == "loss" or key.endswith("_loss"):
            yield "loss", _TITLES.get(key, key.removesuffix("_loss").replace("_", " ")), value
        elif key.startswith("density_"):
            yield "density", key.removeprefix("density_").replace("_", "-"), value
        elif key in _UNITS:
            yield _UNITS[key], _UNITS[key], value
    method = config.get("method", {})
    criteria = {method.get(site, {}).get("criterion") for site in ("attention", "feed_forward")}
    if "ramp" not in entry:
        return
    if criteria & set(_WITH_THRESHOLD) and not any(config.get("target", {}).values()):
        yield "threshold", "threshold", entry["ramp"] * method["threshold"]
    if criteria & set(_WITH_PENALTY):
        yield "penalty", "penalty", entry["ramp"] * method["penalty"]
