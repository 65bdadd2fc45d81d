"""What others published: the pruned networks of nn_pruning (Lagunas et al. 2021), facts from its repository.

networks.json: name in its README's tables, task, base model, method, main metric in points, speed-up (RTX 3090,
float32, relative to BERT-base on the same task), share of the prunable weights that is not zero, heads and dimensions
kept per layer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def networks() -> list[PublishedNetwork]:
    """All of them, in the order of the tables."""
    content = json.loads((Path(__file__).parent / "networks.json").read_text())
    counts = ("heads_kept", "dimensions_kept")
    return [PublishedNetwork(**one | {name: tuple(one[name]) for name in counts}) for one in content]
