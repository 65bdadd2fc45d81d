"""Methods: how a model is pruned. One file = one kind, found by its name; most methods are a YAML in configs/method/.

A kind has two functions of (experiment, folder of the dense model, folder of the stage `prune`). Where a run has
several processes, all of them call both, to train together, and the first one writes (`prune.runtime.distributed`):

- `prune` does what takes long and is the same for all targets, and leaves what it found in the stage's folder;
- `pruned` (and, fourth, the folder of the stage `compact`) gives the model as that says, with zeros where something is
  removed, ready to be compacted: in the first process, and None in the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedModel


@dataclass(frozen=True)
class Pruned:
    """What a method gives."""

    model: PreTrainedModel
    """Of the dense model's shape."""
    outputs: Mapping[str, Sequence[Any]]
    """Its outputs on real examples, which compaction must not change."""
    spared: Mapping[str, int] = field(default_factory=dict)
    """Site -> units that stay for a rounder width."""
