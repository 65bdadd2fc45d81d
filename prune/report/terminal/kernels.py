"""What sparse kernels give, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from prune.measure.sparse_kernels import TOKENS, KernelTiming

_CAPTION = (
    "compaction: a smaller dense layer with as many weights, as pruning whole units leaves it. error: largest "
    "difference from the exact result, as a share of the largest output; in 8 bits in steps of quantisation"
)


def kernels_table(shape: tuple[int, int], timings: Sequence[KernelTiming]) -> Table:
    """A row for each kernel and density."""
    rows, columns = shape
    title = f"a linear layer of {rows} x {columns}, {TOKENS} tokens"
    table = Table("kernel", "weights left", "time", "over dense float32", "error", "verdict", title=title,
                  title_justify="left", caption=_CAPTION, caption_justify="left")  # fmt: skip
    for one in timings:
        table.add_row(
            one.kernel,
            f"{100 * one.density:g} %",
            "" if one.ms is None else f"{one.ms:.3g} ms",
            "" if one.speedup is None else f"{one.speedup:.2f}x",
            "" if one.error is None else f"{one.error:.2g}",
            one.verdict,
        )
    return table
