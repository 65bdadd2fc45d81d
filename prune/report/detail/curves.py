"""How training went: what a stage's history says, as curves over its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_DIGITS = 4
_TITLES = {"loss": "total", "labels_loss": "against labels", "teacher_loss": "against the teacher",
           "layers_loss": "against its hidden states", "penalty_loss": "penalty"}  # fmt: skip
_PANELS = {
    "density_": "density",
    "threshold_": "threshold",
    "penalty_weight_": "penalty",
    "units_attention": "heads",
    "units_feed_forward": "dimensions",
}
"""What the name of a quantity begins with -> its panel; the rest names its series."""


@dataclass(frozen=True)
class Curve:
    """One quantity over the steps of a stage."""

    panel: str
    """`loss`, `density`, `threshold`, `penalty`, `heads` or `dimensions`."""
    series: str
    steps: list[int]
    values: list[float]


def curves_of(history: list[dict[str, Any]]) -> list[Curve]:
    """All that a history logs of losses and masks."""
    found: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    for entry in history:
        if "loss" not in entry or "step" not in entry:
            continue
        for panel, series, value in _quantities(entry):
            steps, values = found.setdefault((panel, series), ([], []))
            steps.append(int(entry["step"]))
            values.append(float(f"{value:.{_DIGITS}g}"))
    return [Curve(panel, series, steps, values) for (panel, series), (steps, values) in found.items()]


def _quantities(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for key, value in entry.items():
        if key == "loss" or key.endswith("_loss"):
            yield "loss", _TITLES.get(key, key.removesuffix("_loss").replace("_", " ")), value
        for start, panel in _PANELS.items():
            if key.startswith(start):
                yield panel, key.removeprefix(start).replace("_", "-") or panel, value
