"""The unpruned model over the same that leaves out the tokens that nothing reads: what that alone makes faster.

    python -m benchmarks.first_token --model <folder of MiniLM>

Both timed in turn in one run. Without a folder: random weights in MiniLM's shape.
"""

from __future__ import annotations

import copy

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.workload import options_of
from prune.compaction.structure import Structure
from prune.measure.speed import multiply_adds, speed_device, time_pairs
from prune.models.architecture import sublayers_of
from prune.training.precision import in_bfloat16

TOKENS = (32, 128)


def main() -> None:
    workload, options = options_of(__doc__, pairs=20, lengths=TOKENS)
    device = speed_device("auto")
    dtype = torch.bfloat16 if in_bfloat16(workload.precision) else torch.float32
    dense = workload.bert().eval().to(device, dtype)
    model = copy.deepcopy(dense)
    sublayers = sublayers_of(model)
    every = {s.name: tuple(range(s.num_units)) for s in sublayers}
    Structure("bert", every, first_token_only=True).apply(model.base_model, sublayers)
    table = Table("batch", "times faster (quartiles)", "by multiply-adds")
    for tokens in workload.lengths:
        batch = {name: values.to(device) for name, values in workload.batch(tokens).items() if name != "labels"}
        promised = multiply_adds(dense, batch) / multiply_adds(model, batch)
        speed = time_pairs(dense, model, [batch], device, options.pairs, promised)
        first, third = speed.speedup_quartiles
        shape = f"{speed.batch_size} x {speed.length}"
        table.add_row(shape, f"{speed.speedup:.2f} ({first:.2f}, {third:.2f})", f"{promised:.2f}")
    Console(width=100).print(table)
    print(workload.describe(options.pairs))


if __name__ == "__main__":
    main()
