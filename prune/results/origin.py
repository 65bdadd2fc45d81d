"""What the folder of a pruned model says about where it comes from."""

from __future__ import annotations

from typing import Any

from prune.results.record import Record
from prune.runtime.wording import batch_in_words


def origin_of(record: Record) -> dict[str, Any]:
    """What the folder of a model says about where it comes from."""
    config, last = record.config, record.speed[-1]
    return {
        "pruned from": config["model"]["path"],
        "task": record.task,
        "method": f"{record.method}, {record.setting}",
        "seed": record.seed,
        "metric": record.metric,
        "value": record.value,
        "dense_value": record.dense_value,
        "num_examples": record.num_examples,
        "speedup": record.speedup,
        "measured": f"batch {batch_in_words(last)}, {record.measured_on}",
        "packages": record.environment["packages"],
    }
