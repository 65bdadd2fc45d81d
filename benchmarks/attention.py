"""Plain against fused attention on a CPU, forward and backward pass: where training takes which.

    python -m benchmarks.attention

For the limit in prune/training/precision.py. Heads as in MiniLM: 12 of width 32.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch.nn.attention import SDPBackend, sdpa_kernel

from prune.measure.speed import seconds

SHAPES = ((32, 13), (32, 32), (32, 64), (32, 128), (16, 256), (16, 384))
"""Examples, tokens."""
HEADS, WIDTH, ROUNDS = 12, 32, 15
KINDS = (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH)


def main() -> None:
    table = Table("format", "examples x tokens", "fused, ms", "plain, ms", "fused / plain")
    for dtype in (torch.float32, torch.bfloat16):
        for examples, tokens in SHAPES:
            calls = [both_passes(kind, dtype, examples, tokens) for kind in KINDS]
            rounds = [[1e3 * seconds(torch.device("cpu"), call) for call in calls] for _ in range(ROUNDS + 3)][3:]
            fused, plain = (statistics.median(column) for column in zip(*rounds, strict=True))
            row = str(dtype).removeprefix("torch."), f"{examples} x {tokens}"
            table.add_row(*row, f"{fused:.1f}", f"{plain:.1f}", f"{fused / plain:.1f}")
    Console(width=100).print(table)


def both_passes(kind: SDPBackend, dtype: torch.dtype, examples: int, tokens: int) -> Callable[[], None]:
    """A call that takes them."""
    inputs = [torch.randn(examples, HEADS, tokens, WIDTH, dtype=dtype, requires_grad=True) for _ in range(3)]
    mask = torch.zeros(examples, 1, 1, tokens, dtype=dtype).expand(-1, -1, tokens, -1)

    def call() -> None:
        with sdpa_kernel(kind):
            found = F.scaled_dot_product_attention(*inputs, attn_mask=mask)
        torch.autograd.grad(found.sum(), inputs)

    return call


if __name__ == "__main__":
    main()
