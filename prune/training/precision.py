"""The number format of training, and of what is computed for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from prune.config.schema import Precision

_SHORT = 128
"""Tokens up to which torch's plain attention is faster than its fused one, in bfloat16 on a CPU, backward pass and all;
measured by benchmarks/attention.py."""


def in_bfloat16(precision: Precision) -> bool:
    """Whether training with this `precision` computes in bfloat16 here."""
    gpu_has_it = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return precision is Precision.bfloat16 or (precision is Precision.auto and gpu_has_it)


@contextmanager
def as_in_training(precision: Precision, device: torch.device, tokens: int = 0) -> Iterator[None]:
    """A context in which models compute as training with this `precision` does.

    `tokens`: length of the inputs, where a backward pass follows.
    """
    halved = in_bfloat16(precision)
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=halved))
        if halved and device.type == "cpu" and 0 < tokens <= _SHORT:
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield
