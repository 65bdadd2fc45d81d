"""The table over records: which rows it has, and what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prune.published import BASE, HARDWARE
from prune.results.dense_reference import relative_to
from prune.results.probes import on_probe
from prune.results.published_rows import with_published
from prune.results.record import Record
from prune.results.rows import Row, own_dense_model, rows
from prune.results.selection import BANDS, OVER_EAGER, filtered, sorted_by, with_best_marked, without_beaten
from prune.runtime.sanitize import one_line
from prune.tasks.metrics.specs import POINTS


@dataclass(frozen=True)
class View:
    """Which records the table shows, and how."""

    filters: dict[str, str] = field(default_factory=dict)
    """Field of the record -> the values that are shown, separated by commas."""
    sort: str = ""
    """A column; empty: by task, model, method, and from dense to sparse."""
    reference: str | None = None
    """The model whose dense version all rows are relative to; None: each to that of its own run."""
    published: bool = False
    """Whether published rows of the same tasks are added."""
    probe: str = ""
    """The probe whose accuracy stands in for the metric; empty: none."""
    pareto: bool = False
    """Whether runs are left out that another row beats in both metric and speed-up."""


ALL = View()


def table_rows(records: Sequence[Record], view: View = ALL) -> list[Row]:
    """The rows of the table.

    Raises:
        UserError: if `records` do not hold what `view` asks for.
    """
    if view.probe:
        records = on_probe(filtered(records, view.filters), view.probe)
    kept = filtered(records, view.filters)
    reference = own_dense_model if view.reference is None else relative_to(view.reference, records, kept)
    result = with_best_marked(rows(kept, reference))
    if view.pareto:
        result = without_beaten(result)
    if view.published:
        result = with_published(result)
    return sorted_by(result, view.sort) if view.sort else result


def legend(rows: Sequence[Row], view: View = ALL) -> str:
    """What the columns mean that `rows` fill."""
    name = f"the dense {view.reference}" if view.reference else "dense"
    against = f"{name} of the same task" if view.reference else "the dense model of the same run"
    in_points = f"in {POINTS}, " if not rows or any(row.spec.unit == POINTS for row in rows) else ""
    parts = [
        f"params: weights left in the prunable linear layers, relative to {name}.",
        f"metric and difference: {in_points}against {against}.",
        f"speed-up: measured, {'its' if view.reference else 'dense'} time over pruned time, at the last of "
        "evaluate.speed.batch_sizes.",
    ]
    if any(row.is_of_another_runtime for row in rows):
        parts.append(
            f"{OVER_EAGER}: time of the dense model in PyTorch's eager mode, in float32, over pruned time; speed-up is "
            "over the dense model in the same runtime."
        )
    if view.reference and any(row.records and row.speedup is None and row.difference for row in rows):
        parts.append(f"Without speed-up: {view.reference} was not timed at the same batch, length and hardware.")
    if any(row.value.deviation is not None for row in rows):
        parts.append("±: standard deviation over the seeds.")
    if any(row.best for row in rows):
        edges = ", ".join(f"{edge:g}" for edge in BANDS)
        parts.append(f"*: the best above chance of its task, model and band of speed-ups (parted at {edges}).")
    if any(row.is_disturbed for row in rows):
        parts.append("†: measured while other work took the cores; `prune measure <folder of the run>` measures again.")
    if view.pareto:
        parts.append("Runs that another row of the same task and model beats in metric and speed-up are left out.")
    if view.published:
        parts.append(
            f"published: {HARDWARE}, all columns relative to {BASE}, speed-up over a whole evaluation set; that of a "
            "distilled model is its architecture's."
        )
    return one_line(" ".join(parts))
