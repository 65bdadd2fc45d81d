"""An audit in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from prune.audit.comparisons import Comparison
from prune.audit.split import SplitAudit
from prune.runtime.sanitize import one_line
from prune.runtime.wording import counted

LEGEND = (
    "Scores in points, unless the task predicts numbers. against all: change minus that of all examples, with its "
    "bootstrap interval. null: 95 % of what halves of the dense models differ by. p: Welch's t-test, corrected for the "
    "number of slices (Benjamini-Hochberg)."
)
_MOST_SLICES = 20
_SIGNIFICANT = 0.05


def draw_audits(comparisons: Sequence[Comparison]) -> Group:
    """All comparisons, and what their columns mean."""
    legend = [Text(LEGEND)] if any(audit.slices for one in comparisons for audit in one.splits.values()) else []
    return Group(*(part for one in comparisons for part in _drawn(one)), *legend)


def _drawn(comparison: Comparison) -> list[RenderableType]:
    """Split by split."""
    parts: list[RenderableType] = [Text(one_line(comparison.title), style="bold")]
    parts += [Text(one_line(remark), style="yellow") for remark in comparison.remarks]
    for name, audit in comparison.splits.items():
        models = f"{audit.dense.size} dense models, {audit.pruned.size} pruned"
        parts.append(Text(f"\n{one_line(name)}: {counted(len(audit.ids), 'example')}, {models}"))
        parts += [Text(f"  {line}") for line in lines(audit)]
        parts += [_scores(audit)] if audit.exemplars else []
        parts += [_slices(audit)] if audit.slices else []
    return parts


def lines(audit: SplitAudit) -> Iterator[str]:
    """What is said of exemplars, churn and calibration."""
    if audit.exemplars is None:
        yield audit.remark
    else:
        yield from _exemplars(audit)
    churn = audit.churn
    among = churn.changed_between_dense
    yield (
        f"churn: {churn.changed:.2%} of the answers change ({churn.gained:.2%} of the examples gain, {churn.lost:.2%} "
        f"lose)" + ("" if among is None else f"; between two dense models {among:.2%}")
    )
    significant = sum(p < _SIGNIFICANT for p in churn.mcnemar)
    yield f"McNemar: gains and losses differ at p < {_SIGNIFICANT} in {significant} of {counted(churn.pairs, 'pair')}"
    if audit.dense_calibration and audit.pruned_calibration:
        errors = audit.dense_calibration.error, audit.pruned_calibration.error
        yield f"calibration error: dense {errors[0]:.2%}, pruned {errors[1]:.2%}"


def _exemplars(audit: SplitAudit) -> Iterator[str]:
    assert audit.exemplars is not None
    found, null = audit.exemplars, audit.exemplars.null
    number = int(found.chosen.sum())
    halves = f"halves of the dense models ({null.sizes[0]} and {null.sizes[1]}, {null.halvings} ways)"
    if null.modal is None:
        yield (
            f"exemplars: {number} lose more than 99 % of the examples do between {halves}; by chance "
            f"{0.01 * len(audit.ids):.0f} would"
        )
        return
    yield (
        f"modal exemplars: {number}; between {halves}: {null.modal:.1f}, at most {null.modal_most}; between equally "
        f"few dense and pruned models: {null.matched_modal:.1f}"
    )
    yield (
        f"taxicab distance of an example: {found.distances.mean():.4f}; between halves: {null.distance:.4f}; between "
        f"equally few dense and pruned models: {null.matched_distance:.4f}"
    )


def score_rows(audit: SplitAudit) -> list[tuple[str, str, str, str]]:
    """Scores of all examples, of the exemplars and of the rest: dense, pruned, difference."""
    found = []
    for name in ("all", "exemplars", "rest"):
        dense, pruned = (getattr(scores, name) for scores in (audit.dense_scores, audit.pruned_scores))
        if dense is not None and pruned is not None:
            found.append((name, *_figures(audit, dense, pruned)))
    return found


def _scores(audit: SplitAudit) -> Table:
    table = Table("score", "dense", "pruned", "difference")
    for row in score_rows(audit):
        table.add_row(*row)
    return table


def _figures(audit: SplitAudit, dense: float, pruned: float) -> tuple[str, str, str]:
    return f"{audit.scale * dense:.2f}", f"{audit.scale * pruned:.2f}", f"{audit.scale * (pruned - dense):+.2f}"


def _slices(audit: SplitAudit) -> Table:
    table = Table(
        "slice", "examples", "dense", "pruned", "change", "against all", "95 % interval", "null", "p, corrected"
    )
    for one in audit.slices[:_MOST_SLICES]:
        low, high = (audit.scale * bound for bound in one.interval)
        clear = one.p_corrected is not None and one.p_corrected < _SIGNIFICANT
        table.add_row(
            Text(one_line(f"{one.column}: {one.value}")),
            str(one.examples),
            *_figures(audit, one.dense, one.pruned),
            f"{audit.scale * one.relative_change:+.2f}",
            f"{low:+.2f} to {high:+.2f}",
            "" if one.null is None else f"±{audit.scale * one.null:.2f}",
            "" if one.p_corrected is None else f"{one.p_corrected:.2g}",
            style="bold" if clear else "",
        )
    return table
