"""The page of an audit: examples that one can read, and slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from prune.audit.comparisons import Comparison
from prune.audit.exemplars import Exemplars
from prune.audit.populations import Population
from prune.audit.split import SplitAudit
from prune.files.atomic import write_at_once
from prune.report.figures import reliability, slices
from prune.report.figures.theme import IN_PAGE
from prune.report.page.rendering import render
from prune.report.terminal.audit import LEGEND, lines, score_rows
from prune.results.layout import AUDIT_PAGE
from prune.runtime.sanitize import one_line

_SCRIPTS = ("parts.js", "chart.js", "audit.js")
_MOST_EXAMPLES = 300
"""Of a split: those with the greatest distance."""
_MOST_CHARACTERS = 1500
"""Of a text."""


def write_audit(outputs: Path, comparisons: Sequence[Comparison]) -> Path:
    """Writes the page over `comparisons` into `outputs`; returns its path.

    Raises:
        OSError: if it cannot be written.
    """
    title = one_line(outputs.resolve().name)
    data = {
        "runs": [],
        "legend": LEGEND,
        "specs": {"slices": slices.spec(IN_PAGE), "reliability": reliability.spec(IN_PAGE)},
        "audits": [
            {"title": one_line(f"{comparison.title}, {split}"), "remarks": comparison.remarks}
            | _audit(audit, comparison.examples[split], comparison)
            for comparison in comparisons
            for split, audit in comparison.splits.items()
        ],
    }
    write_at_once(outputs / AUDIT_PAGE, render("audit.html", _SCRIPTS, data, title=title))
    return outputs / AUDIT_PAGE


def _audit(audit: SplitAudit, rows: Dataset, comparison: Comparison) -> dict[str, Any]:
    dense, pruned = audit.dense_calibration, audit.pruned_calibration
    return {
        "models": [audit.dense.size, audit.pruned.size],
        "lines": list(lines(audit)),
        "scores": score_rows(audit),
        "labels": audit.answers if audit.has_labels else [],
        "slices": slices.rows(audit.slices, audit.scale),
        "bins": reliability.rows(dense, pruned) if dense and pruned else [],
        "examples": list(_examples(audit, rows, comparison)),
    }


def _examples(audit: SplitAudit, rows: Dataset, comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Those on which the populations differ most, the greatest distance first."""
    if (found := audit.exemplars) is None:
        return
    order = np.argsort(-np.abs(found.distances), kind="stable")[:_MOST_EXAMPLES]
    chosen = [int(row) for row in order if found.distances[row]]
    task = comparison.config
    for number, example in zip(chosen, rows.select(chosen), strict=True):
        yield {
            "id": one_line(audit.ids[number]),
            "texts": [[name, str(example[name])[:_MOST_CHARACTERS]] for name in task.text],
            "label": _label(audit, example.get(task.label)),
            "distance": float(found.distances[number]),
            "modal": bool(found.chosen[number]),
            "scores": [audit.scale * float(one.scores[:, number].mean()) for one in (audit.dense, audit.pruned)],
            **_said(audit, found, number),
        }


def _label(audit: SplitAudit, label: Any) -> str:
    if audit.has_labels:
        return str(audit.answers[label])
    texts = label.get("text", label) if isinstance(label, dict) else label
    listed = texts if isinstance(texts, list) else [texts]
    return " | ".join(dict.fromkeys(map(str, listed)))[:_MOST_CHARACTERS]


def _said(audit: SplitAudit, found: Exemplars, number: int) -> dict[str, Any]:
    """Shares of the votes for each label, dense and pruned; or the most frequent answer of each."""
    if found.dense_shares is not None and found.pruned_shares is not None:
        return {"votes": [shares[number].tolist() for shares in (found.dense_shares, found.pruned_shares)]}
    return {"answers": [_commonest(audit, population, number) for population in (audit.dense, audit.pruned)]}


def _commonest(audit: SplitAudit, population: Population, number: int) -> str:
    given, counts = np.unique(population.answers[:, number], return_counts=True)
    return audit.answers[int(given[counts.argmax()])][:_MOST_CHARACTERS]
