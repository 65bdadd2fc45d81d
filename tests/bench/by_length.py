"""The accuracy of finished runs by the length of the texts, against the dense model's: where pruning loses.

    python -m tests.bench.by_length outputs

Of runs of classification, those that differ in their seed only together, on every split they were evaluated on.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from datasets import Dataset
from rich.console import Console
from rich.table import Table

from prune.config.schema import TaskConfig
from prune.recipes.reproduction import config_of
from prune.results.layout import PredictionFiles, RunFolder, dense_folder, find_records
from prune.results.record import Record
from prune.runtime import library_output, registry
from prune.tasks.base import Task

WORDS = (0, 5, 10, 15, 20, 30)
"""Where the groups of lengths begin, in words of all texts of an example."""
Key = tuple[str, str, str, str, int]
"""Method, setting, configuration, split, where the group begins."""


def main(outputs: str) -> None:
    library_output.libraries()
    counts: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for file in find_records(Path(outputs)):
        record = Record.read(file)
        config = config_of(record)
        if config.task.kind == "text_classification":
            config.outputs = outputs
            task: Task = registry.module("tasks", config.task.kind).TASK(config.task, config.seed)
            for split, rows in task.load().items():
                if split != config.task.train_split:
                    files = {
                        "dense": dense_folder(config).predictions(split),
                        "pruned": RunFolder(file.parent).predictions(split),
                    }
                    answers = {model: answers_of(one) for model, one in files.items()}
                    for length, right in judged(rows, answers, config.task):
                        counts[record.method, record.setting, record.configuration, split, length].update(right)
    table = Table("run", "split", "words", "texts", "dense", "pruned", "difference")
    for (method, setting, _, split, length), right in sorted(counts.items()):
        dense_value, value = (100 * right[model] / right["all"] for model in ("dense", "pruned"))
        texts = f"from {length}", str(right["all"])
        table.add_row(
            f"{method}, {setting}", split, *texts, f"{dense_value:.2f}", f"{value:.2f}", f"{value - dense_value:+.2f}"
        )
    Console(width=120).print(table)


def judged(
    rows: Dataset, answers: Mapping[str, Mapping[str, str]], task: TaskConfig
) -> Iterator[tuple[int, dict[str, int]]]:
    """Of each example, where the group of its length begins, and which models are right."""
    for number, row in enumerate(rows):
        words = sum(len(row[column].split()) for column in task.text)
        wanted = task.labels[row[task.label]]
        right = {model: int(said[str(number)] == wanted) for model, said in answers.items()}
        yield max(start for start in WORDS if start <= words), {"all": 1, **right}


def answers_of(files: PredictionFiles) -> dict[str, str]:
    content: dict[str, str] = json.loads((files.path / "predictions.json").read_text())
    return content


if __name__ == "__main__":
    main(*sys.argv[1:])
