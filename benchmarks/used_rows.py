"""A training step with only the rows of the word embeddings that the texts use, over one with all rows.

    python -m benchmarks.used_rows
    python -m benchmarks.used_rows --model <folder of MiniLM>

In one run, steps paired, of the unpruned model and of pruned ones. Without a folder: random weights in MiniLM's shape;
batches with the lengths of SST-2's training sentences, and as many words as 20,000 of them have.
"""

from __future__ import annotations

import copy

from rich.console import Console
from rich.table import Table
from transformers import BertForSequenceClassification

from benchmarks.filling_step import smaller
from benchmarks.training_step import stepper
from benchmarks.workload import Step, Workload, options_of, ratio_over_an_epoch
from prune.training.dropout import set_dropout
from prune.training.used_rows import used_rows

DENSITIES = (1.0, 0.33, 0.2, 0.1)
WORDS = 10_513
"""Rows that 20,000 of SST-2's sentences use, of 30,522."""


def main() -> None:
    workload, options = options_of(__doc__)
    dense = workload.bert()
    table = Table("density", "step with the rows in use / with all")
    for density in DENSITIES:
        table.add_row(f"{density}", f"{ratio(smaller(dense, density), workload, options.pairs):.2f}")
    Console(width=100).print(table)
    print(workload.describe(options.pairs))


def ratio(model: BertForSequenceClassification, workload: Workload, num_pairs: int) -> float:
    set_dropout(model, 0.0)
    few = copy.deepcopy(model)
    with used_rows(few, range(1, WORDS)):
        return ratio_over_an_epoch(
            workload.main_process_first(of_few_words(model, workload), of_few_words(few, workload), num_pairs)
        )


def of_few_words(model: BertForSequenceClassification, workload: Workload) -> Step:
    """A step on the same batch with no other words."""
    step = stepper(workload, model)
    return lambda batch, number: step(batch | {"input_ids": batch["input_ids"] % (WORDS - 1) + 1}, number)


if __name__ == "__main__":
    main()
