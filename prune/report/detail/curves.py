"""How training went: what a stage's history says, as curves over its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prune.results.typed import is_finite, is_name, is_whole

_DIGITS = 4
_TITLES = {"loss": "total", "labels_loss": "against labels", "teacher_loss": "against the teacher",
           "layers_loss": "against its hidden states", "penalty_loss": "penalty"}  # fmt: skip
_PANELS = {
    "eval_": "metric",
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
    """`loss`, `metric`, `density`, `threshold`, `penalty`, `heads` or `dimensions`."""
    series: str
    steps: list[int]
    values: list[float]
    flops: list[float] = field(default_factory=list)
    """Floating-point operations of the stage's training until each step; empty: not known."""

    @property
    def is_sound(self) -> bool:
        """Whether it can be drawn."""
        known = self.panel in ("loss", *_PANELS.values()) and is_name(self.series)
        is_whole = 0 < len(self.steps) == len(self.values) and len(self.flops) in (0, len(self.steps))
        return known and is_whole and min([*self.steps, *self.flops]) >= 0


def curves_of(history: list[Any]) -> list[Curve]:
    """All that a history logs of losses, masks and evaluations, where that is a number."""
    curves: dict[tuple[str, str], Curve] = {}
    for entry in history:
        if not (isinstance(entry, dict) and is_whole(entry.get("step"))):
            continue
        for panel, series, value in _quantities(entry):
            curve = curves.setdefault((panel, series), Curve(panel, series, [], []))
            curve.steps.append(entry["step"])
            curve.values.append(float(f"{value:.{_DIGITS}g}"))
            if panel == "metric" and is_finite(entry.get("flops")):
                curve.flops.append(entry["flops"])
    return [curve if len(curve.flops) == len(curve.steps) else replace(curve, flops=[]) for curve in curves.values()]


def _quantities(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for key, value in entry.items():
        if not (is_name(key) and is_finite(value)):
            continue
        if "loss" in entry and (key == "loss" or key.endswith("_loss")):
            yield "loss", _TITLES.get(key, key.removesuffix("_loss").replace("_", " ")), value
        for start, panel in _PANELS.items():
            if key.startswith(start):
                yield panel, key.removeprefix(start).replace("_", "-") or panel, value
