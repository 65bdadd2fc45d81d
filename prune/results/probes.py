"""Probes of records: scores beside the main metric, and records as if a probe were their metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from prune.errors import UserError
from prune.results.record import Record
from prune.runtime.registry import nearest

ACCURACY, CHANCE = "accuracy", "chance"
"""Of a probe: of all its examples; of the best constant answer. What else it has is of groups."""


def on_probes(record: Record) -> Iterator[Record]:
    """The record once for each of its probes, with the accuracy on that as its metric."""
    for name, scores in record.probes.items():
        dense = record.dense_probes.get(name, {})
        if {ACCURACY, CHANCE} <= scores.keys() and ACCURACY in dense:
            yield replace(
                record, metric=name, higher_is_better=True, value=scores[ACCURACY], dense_value=dense[ACCURACY],
                chance=scores[CHANCE],
            )  # fmt: skip


def on_probe(records: Iterable[Record], name: str) -> list[Record]:
    """The records that were scored on a probe, as if it were their metric.

    Raises:
        UserError: if there are none.
    """
    every = list(records)
    found = [one for record in every for one in on_probes(record) if one.metric == name]
    if not found:
        known = sorted({probe for record in every for probe in record.probes})
        there = ", ".join(known) or "none; task.probes=[...] of the same command adds them to finished runs"
        raise UserError(f"probe={name}: no run was scored on it{nearest(name, known)}. There: {there}")
    return found
