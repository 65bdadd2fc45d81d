"""A model in several runtimes, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from prune.pipeline.runtime_comparison import RuntimeTiming
from prune.runtime.wording import batch_in_words

_CAPTION = (
    "pruning: unpruned over pruned, both in this runtime. runtime: unpruned in PyTorch's eager mode, in float32, over "
    "unpruned here. both: over pruned here. Metrics are not evaluated: 8 bits may cost some"
)


def runtimes_table(timings: Sequence[RuntimeTiming]) -> Table:
    """A row for each runtime and batch size."""
    table = Table("batch", "runtime", "unpruned", "pruned", "pruning", "runtime", "both", caption=_CAPTION,
                  caption_justify="left")  # fmt: skip
    for size in sorted({one.batch_size for one in timings}):
        of_size = [one for one in timings if one.batch_size == size]
        for one in of_size:
            table.add_row(
                batch_in_words({"batch_size": one.batch_size, "length": one.length}),
                f"{one.runtime or 'PyTorch, eager'}, {one.dtype}",
                f"{one.dense_ms:.3g} ms",
                f"{one.model_ms:.3g} ms",
                *(f"{ratio:.2f}x" for ratio in (one.pruning, one.of_runtime, one.over_eager)),
            )
        table.add_section()
    return table
