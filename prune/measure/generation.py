"""Speed of generation: tokens per second, dense and pruned in turn, at a fixed length."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from prune.measure.speed import seconds
from prune.runtime.progress_bar import track


@dataclass
class GenerationSpeed:
    """One measurement. Tokens per second over the whole batch, medians."""

    batch_size: int
    length: int
    """Of the input, in tokens."""
    generated: int
    """Tokens generated per text."""
    dense_tokens_per_second: float
    model_tokens_per_second: float
    speedup: float
    """Median of the paired ratios dense time / model time."""


@torch.inference_mode()
def measure_generation(
    dense: Any,
    model: Any,
    batch: Mapping[str, Tensor],
    settings: Mapping[str, Any],
    generated: int,
    num_pairs: int,
) -> GenerationSpeed:
    """Times both models on the same inputs, one after the other in turn, after one pair to warm up."""
    fixed = {**settings, "min_new_tokens": generated, "max_new_tokens": generated}
    calls = (lambda: dense.generate(**batch, **fixed)), (lambda: model.generate(**batch, **fixed))
    size, length = batch["input_ids"].shape
    pairs = track(range(1 + num_pairs), f"timing texts of {generated} tokens", 1 + num_pairs, timed=True)
    times = [tuple(seconds(model.device, call) for call in calls) for _ in pairs][1:]
    return GenerationSpeed(
        batch_size=size,
        length=length,
        generated=generated,
        dense_tokens_per_second=size * generated / statistics.median(a for a, _ in times),
        model_tokens_per_second=size * generated / statistics.median(b for _, b in times),
        speedup=statistics.median(a / b for a, b in times),
    )
