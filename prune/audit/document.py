"""An audit as JSON, and its slices as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from prune.audit.calibration import Calibration
from prune.audit.comparisons import Comparison
from prune.audit.exemplars import Exemplars
from prune.audit.slices import SliceChange
from prune.audit.split import SplitAudit
from prune.runtime.sanitize import for_csv

_DIGITS = 6
_NAMES = ("task", "model", "method", "setting", "configuration")


def as_json(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """All audits, each with what it compares."""
    return {"audits": [dict(zip(_NAMES, _names(one), strict=True)) | splits_as_json(one) for one in comparisons]}


def splits_as_json(comparison: Comparison) -> dict[str, Any]:
    """`splits`: split -> its audit. Distances and scores are rounded to six digits."""
    remarks = {"remarks": list(comparison.remarks)} if comparison.remarks else {}
    return {"splits": {name: _split(audit) for name, audit in comparison.splits.items()}, **remarks}


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """A line for each slice of each audit."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = [one.name for one in fields(SliceChange) if one.name != "interval"]
    writer.writerow([*_NAMES, "split", "dense_models", "pruned_models", *columns, "interval_low", "interval_high"])
    for comparison in comparisons:
        for split, audit in comparison.splits.items():
            for change in audit.slices:
                values = [getattr(change, name) for name in columns]
                cells = (*_names(comparison), split, audit.dense.size, audit.pruned.size, *values, *change.interval)
                writer.writerow(["" if cell is None else for_csv(cell) for cell in cells])
    return stream.getvalue()


def _names(comparison: Comparison) -> tuple[str, ...]:
    return (
        comparison.config.name, comparison.model, comparison.method, comparison.setting, comparison.configuration,
    )  # fmt: skip


def _split(audit: SplitAudit) -> dict[str, Any]:
    return {
        "examples": len(audit.ids),
        "models": {"dense": audit.dense.size, "pruned": audit.pruned.size},
        **_exemplars(audit),
        "scores": _rounded({"dense": asdict(audit.dense_scores), "pruned": asdict(audit.pruned_scores)}),
        "slices": [_rounded(asdict(change)) for change in audit.slices],
        "churn": _rounded(asdict(audit.churn)),
        "calibration": {
            "dense": _calibration(audit.dense_calibration),
            "pruned": _calibration(audit.pruned_calibration),
        },
    }


def _exemplars(audit: SplitAudit) -> dict[str, Any]:
    found = audit.exemplars
    if found is None:
        return {"remark": audit.remark, "modal": None, "taxicab": None, "null": None}
    chosen = [id_ for id_, is_one in zip(audit.ids, found.chosen, strict=True) if is_one]
    distances = dict(zip(audit.ids, _round(found.distances), strict=True))
    null = _rounded(asdict(found.null))
    if not audit.has_labels:
        return {"losses": distances, "largest_losses": chosen, "modal": None, "taxicab": None, "null": null}
    return {"modal": chosen, "taxicab": distances, "null": null, **_votes(audit, found)}


def _votes(audit: SplitAudit, found: Exemplars) -> dict[str, Any]:
    """Of the exemplars: label -> share of the models that give it."""
    shares = (("dense", found.dense_shares), ("pruned", found.pruned_shares))
    return {
        "votes": {
            audit.ids[row]: {
                kind: dict(zip(audit.answers, _round(of_kind[row]), strict=True))
                for kind, of_kind in shares
                if of_kind is not None
            }
            for row in found.chosen.nonzero()[0]
        }
    }


def _calibration(calibration: Calibration | None) -> dict[str, Any] | None:
    return _rounded(asdict(calibration)) if calibration else None


def _rounded(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _round(value) for key, value in content.items()}


def _round(value: Any) -> Any:
    """Numbers with six digits after the point; p-values of less are told to as many digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if abs(value) < 1e-4 else round(value, _DIGITS)
    if isinstance(value, Mapping):
        return _rounded(value)
    if hasattr(value, "tolist"):
        return _round(value.tolist())
    return [_round(one) for one in value] if isinstance(value, (list, tuple)) else value
