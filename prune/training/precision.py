"""The number format of training, and of what a teacher says for it."""

from __future__ import annotations

import torch

from prune.config import Precision


def in_bfloat16(precision: Precision) -> bool:
    """Whether training with this `precision` computes in bfloat16 here."""
    gpu_has_it = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return precision is Precision.bfloat16 or (precision is Precision.auto and gpu_has_it)


def as_in_training(precision: Precision, device: torch.device) -> torch.autocast:
    """A context in which models compute as training with this `precision` does."""
    return torch.autocast(device.type, torch.bfloat16, enabled=in_bfloat16(precision))
