"""What pruning and filling take, against as many steps of dense training: from the records of finished runs.

    python -m tests.bench.training_time outputs

Of each run, the seconds per step of its own dense training and of all that came after (prune, compact, fill), and their
ratio. Runs of classification only, where the number of steps follows from the record, that train after the dense one.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from prune.results.layout import find_records
from prune.results.record import Record


def main(outputs: str) -> None:
    table = Table("run", "dense", "after it", "time / as many dense steps", "peak memory / dense")
    for file in find_records(Path(outputs)):
        record = Record.read(file)
        if record.config["task"]["kind"] != "text_classification" or "dense" not in record.seconds:
            continue
        schedule, method = record.config["schedule"], record.config["method"]
        batches = math.ceil(record.num_examples[record.config["task"]["train_split"]] / schedule["batch_size"])
        trained = method["kind"] != "one_shot"
        epochs = (schedule["epochs"] if trained else 0) + (schedule["fill_epochs"] if method["finish"] == "fill" else 0)
        if not epochs:
            continue
        after = sum(record.seconds.get(stage, 0.0) for stage in ("prune", "compact", "fill"))
        dense = record.seconds["dense"] / (schedule["dense_epochs"] * batches)
        memory = max(record.peak_memory_bytes.get(stage, 0) for stage in ("prune", "compact", "fill"))
        table.add_row(
            f"{record.method}, {record.setting}, seed {record.seed}",
            f"{dense:.3f} s/step",
            f"{after / (epochs * batches):.3f} s/step",
            f"{after / (epochs * batches) / dense:.2f}",
            f"{memory / record.peak_memory_bytes['dense']:.2f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
