"""What the demo task asks for, and what pruned models lose of it.

python -m benchmarks.demo_task                    what simpler rules than the task's get right
python -m benchmarks.demo_task <outputs folder>   the same, and accuracies by kind of text of the runs there
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from prune.demo.generate import ADJECTIVES, ADVERBS, DENIALS, FOLDER, THINGS
from prune.results.files import read_records
from prune.results.layout import RunFolder, StageFolder

Clause = tuple[str, str, str]
"""Thing, adverb, adjective."""
RULES: dict[str, Callable[[str, int], int]] = {
    "adjectives alone": lambda _thing, _factor: 1,
    "adjectives and denials": lambda _thing, factor: 1 if factor > 0 else -1,
    "all but denials": lambda thing, factor: THINGS[thing] * abs(factor),
    "the task's own": lambda thing, factor: THINGS[thing] * factor,
}
"""Rule -> what the strength of an adjective is multiplied by, from the thing and the factor of the adverb."""
BOUNDS = (4, 9, 16)
"""Of the absolute sums of texts without denials."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outputs", nargs="?", type=Path)
    outputs = parser.parse_args().outputs
    rows = validation()
    rules = Table("rule", "accuracy")
    for rule in RULES:
        rules.add_row(rule, f"{100 * accuracy_of(rule, rows):.1f}")
    Console().print(rules)
    if outputs:
        Console().print(by_kind(outputs, rows))


def validation() -> list[dict[str, Any]]:
    """The examples that the demo is evaluated on."""
    return [json.loads(line) for line in (FOLDER / "data" / "validation.jsonl").read_text("utf-8").splitlines()]


def clauses(text: str) -> list[Clause]:
    """The two clauses of a text, as in "the soup was hardly warm but the waiter was very kind"."""
    words = text.split()
    return [(words[at + 1], words[at + 3], words[at + 4]) for at in range(0, len(words), 6)]


def total(text: str, rule: str = "the task's own") -> int:
    """How much a text praises, by one of the rules."""
    factors = ADVERBS | DENIALS
    return sum(
        RULES[rule](thing, factors[adverb]) * ADJECTIVES[adjective] for thing, adverb, adjective in clauses(text)
    )


def accuracy_of(rule: str, rows: Sequence[dict[str, Any]]) -> float:
    """The share of labels that a rule gets right; of sums of 0 it gets half."""
    totals = [total(row["text"], rule) for row in rows]
    return statistics.mean(
        0.5 if found == 0 else float((found > 0) == row["label"]) for found, row in zip(totals, rows, strict=True)
    )


def kind_of(text: str) -> str:
    """The kind of a text: with a denial, or else how far its sum is from 0."""
    if any(adverb in DENIALS for _, adverb, _ in clauses(text)):
        return "denial"
    distance = abs(total(text))
    return next((f"sum below {bound}" for bound in BOUNDS if distance < bound), "larger sums")


def by_kind(outputs: Path, rows: Sequence[dict[str, Any]]) -> Table:
    """A row for each dense model and each run of the demo in a folder."""
    kinds = [kind_of(row["text"]) for row in rows]
    names = ["denial", *(f"sum below {bound}" for bound in BOUNDS), "larger sums"]
    table = Table(
        "model", "all", *(f"{name} ({kinds.count(name)})" for name in names), title="accuracy by kind of text"
    )
    records, _ = read_records(outputs)
    folders: dict[str, RunFolder | StageFolder] = {
        f"dense, {file.name}": StageFolder(file) for file in sorted(outputs.glob("dense/demo-demo-*")) if file.is_dir()
    }
    folders |= {
        f"{one.method}, {one.setting}": RunFolder(outputs / at) for at, one in records.items() if one.task == "demo"
    }
    for name, folder in folders.items():
        answers = json.loads((folder.predictions("validation").path / "predictions.json").read_text("utf-8"))
        right = [float((answers[str(at)] == "praising") == row["label"]) for at, row in enumerate(rows)]
        of_kind = [[good for good, kind in zip(right, kinds, strict=True) if kind == one] for one in names]
        table.add_row(name, *(f"{100 * statistics.mean(some):.1f}" for some in (right, *of_kind)))
    return table


if __name__ == "__main__":
    main()
