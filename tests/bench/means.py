"""Means and standard deviations over seeds: of all runs that differ in nothing else.

    python -m tests.bench.means outputs

A line per configuration, named by what differs from the others: the main metric on every evaluation split, in points,
relative to the dense model of the same seed; density; measured speed-up.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from prune.outputs import find_records
from prune.report.record import Record


def main(outputs: str) -> None:
    groups: dict[str, list[Record]] = defaultdict(list)
    for file in find_records(Path(outputs)):
        record = Record.read(file)
        same = {
            key: value for key, value in record.config.items() if key not in ("seed", "outputs", "force", "reference")
        }
        groups[json.dumps(_flat({"method": record.method, **same}), sort_keys=True)].append(record)
    settings = [json.loads(key) for key in groups]
    differ = [key for key in (settings or [{}])[0] if len({str(one.get(key)) for one in settings}) > 1]
    splits = list(next(iter(groups.values()))[0].scores) if groups else []
    table = Table("what differs", "seeds", *splits, *(f"{split}, to dense" for split in splits), "density", "speed-up")
    for setting, records in zip(settings, groups.values(), strict=True):
        values = [[100 * r.scores[split][r.metric] for r in records] for split in splits]
        to_dense = [
            [100 * (r.scores[split][r.metric] - r.dense_scores[split][r.metric]) for r in records] for split in splits
        ]
        others = [[r.linear_density for r in records], [r.speed[-1]["speedup"] for r in records]]
        name = ", ".join(f"{key}={setting[key]}" for key in differ if setting.get(key) is not None)
        table.add_row(name, str(len(records)), *map(_mean, [*values, *to_dense, *others]))
    Console(width=200).print(table)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def _mean(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


if __name__ == "__main__":
    main(*sys.argv[1:])
