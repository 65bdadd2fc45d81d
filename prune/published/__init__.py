"""What others published: facts from the repository of nn_pruning (Lagunas et al. 2021).

networks.json: its pruned networks. Name in its README's tables, task, base model, method, main metric in points,
speed-up, share of the prunable weights that is not zero, heads and dimensions kept per layer.
comparators.json: the distilled models that it compares them with, and BERT-base. Scores in points, as it collected
them; speed-up, which is of the architecture, not of each checkpoint; weights relative to BERT-base, its "fill rate".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HARDWARE = "RTX 3090, float32"
"""Of all speed-ups: over a whole evaluation set, relative to BERT-base on the same task."""
BASE = "BERT-base"
_PRUNABLE = {"bert-base": 84_934_656, "bert-large": 301_989_888}
"""Weights of the prunable layers."""
_SHAPES: dict[str, dict[str, Any]] = {
    "bert-base": {},  # transformers' defaults
    "bert-large": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    },
}


@dataclass(frozen=True)
class PublishedNetwork:
    """One network of the published tables."""

    name: str
    task: str
    base: str
    method: str
    metric: float
    """Main metric, in points."""
    speedup: float
    linear_density: float
    heads_kept: tuple[int, ...]
    dimensions_kept: tuple[int, ...]

    @property
    def shape(self) -> dict[str, Any]:
        """What differs from BERT-base in config.json of its base model."""
        return _SHAPES[self.base]

    @property
    def params(self) -> float:
        """Weights that are left in the prunable layers, relative to BERT-base."""
        return self.linear_density * _PRUNABLE[self.base] / _PRUNABLE["bert-base"]


@dataclass(frozen=True)
class Comparator:
    """One model that was not pruned, on one task."""

    name: str
    task: str
    scores: dict[str, dict[str, float]]
    """Evaluation split -> metric -> points."""
    speedup: float
    params: float

    def points(self, metric: str) -> float | None:
        """The score on the first split, if there is one."""
        return next(iter(self.scores.values())).get(metric)


def networks() -> list[PublishedNetwork]:
    """All of them, in the order of the tables."""
    content = json.loads((Path(__file__).parent / "networks.json").read_text("utf-8"))
    counts = ("heads_kept", "dimensions_kept")
    return [PublishedNetwork(**one | {name: tuple(one[name]) for name in counts}) for one in content]


def comparators() -> list[Comparator]:
    """All of them, BERT-base first."""
    return [Comparator(**one) for one in json.loads((Path(__file__).parent / "comparators.json").read_text("utf-8"))]
