"""The unpruned model over the same that leaves out the tokens that nothing reads: what that alone makes faster.

    python -m tests.bench.first_token --model <folder of MiniLM>

Both timed in turn in one run. Without a folder: random weights in MiniLM's shape.
"""

from __future__ import annotations

import copy

import torch
from rich.console import Console
from rich.table import Table

from prune.anatomy import sublayers_of
from prune.measure.speed import multiply_adds, time_pairs
from prune.shrink.structure import Structure
from tests.bench.training_step import bert, options_of, random_batch

TOKENS = (32, 128)


def main() -> None:
    options = options_of(__doc__, pairs=20)
    dense = bert(options.model).eval()
    model = copy.deepcopy(dense)
    sublayers = sublayers_of(model)
    every = {s.name: tuple(range(s.num_units)) for s in sublayers}
    Structure("bert", every, first_token_only=True).apply(model.base_model, sublayers)
    table = Table("batch", "times faster (quartiles)", "by multiply-adds")
    for tokens in TOKENS:
        batch = {name: values for name, values in random_batch(tokens).items() if name != "labels"}
        promised = multiply_adds(dense, batch) / multiply_adds(model, batch)
        speed = time_pairs(dense, model, batch, torch.device("cpu"), options.pairs, promised)
        first, third = speed.speedup_quartiles
        shape = f"{speed.batch_size} x {speed.length}"
        table.add_row(shape, f"{speed.speedup:.2f} ({first:.2f}, {third:.2f})", f"{promised:.2f}")
    Console(width=100).print(table)
    print(f"{torch.get_num_threads()} threads, {options.pairs} pairs, float32")


if __name__ == "__main__":
    main()
