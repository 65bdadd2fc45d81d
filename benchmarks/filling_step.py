"""What one_shot and its fill take (no recovery), against as many steps of dense training; all in one run, steps paired.

    make bench-fill
    make bench-fill ARGS="--model <folder of MiniLM>"

Without a folder: random weights in MiniLM's shape, and batches with the lengths of SST-2's training sentences. The
pruned models keep the same share of heads and dimensions in every layer.
"""

from __future__ import annotations

import copy
import time

import torch
from rich.console import Console
from rich.table import Table
from transformers import BertForSequenceClassification

from benchmarks.training_step import stepper
from benchmarks.workload import Batch, Workload, options_of, ratio_over_an_epoch
from prune.compaction.refit import refit
from prune.compaction.structure import Structure
from prune.measure.speed import speed_device
from prune.models.architecture import sublayers_of
from prune.models.sublayers import Sublayer
from prune.pipeline.importance import importance
from prune.training.dropout import set_dropout

DENSITIES = (0.5, 0.33, 0.2, 0.12)
STEPS = 1875
REMOVALS, IMPORTANCE_EXAMPLES, REFIT_EXAMPLES = 4, 2048, 512
"""As in configs/method/one_shot.yaml."""
_PART = 8


def main() -> None:
    workload, options = options_of(__doc__)
    columns = ("density", "step / dense", "without dropout", "removal, in dense steps", f"all / {STEPS} dense steps")
    table = Table(*columns, caption="all: removal and filling without dropout", caption_justify="left")
    for density in DENSITIES:
        dense = workload.bert()
        small = smaller(dense, density)
        pairs = paired(workload, dense, small, options.pairs)
        set_dropout(small, 0.0)
        without = paired(workload, dense, small, options.pairs)
        ratio = ratio_over_an_epoch(without)
        step = sum(seconds for _, seconds, _ in without) / len(without)
        removal = removal_seconds(workload, dense, density) / step
        table.add_row(
            f"{density}",
            f"{ratio_over_an_epoch(pairs):.2f}",
            f"{ratio:.2f}",
            f"{removal:.0f}",
            f"{ratio + removal / STEPS:.2f}",
        )
    Console(width=100).print(table)
    print(workload.describe(options.pairs))


def paired(
    workload: Workload, dense: BertForSequenceClassification, small: BertForSequenceClassification, num_pairs: int
) -> list[tuple[int, float, float]]:
    """Length and times of a step of each."""
    first, second = (stepper(workload, copy.deepcopy(model)) for model in (dense, small))
    return workload.main_process_first(first, second, num_pairs)


def smaller(model: BertForSequenceClassification, density: float) -> BertForSequenceClassification:
    """A copy that keeps so much of every sublayer."""
    small = copy.deepcopy(model)
    sublayers = sublayers_of(small)
    Structure("bert", kept_units(sublayers, density)).apply(small.base_model, sublayers)
    return small


def removal_seconds(workload: Workload, dense: BertForSequenceClassification, density: float) -> float:
    """Importance and refit, step by step as units are removed; measured on an eighth of the examples, or one batch."""
    device = speed_device("auto")
    sublayers, model = sublayers_of(dense), copy.deepcopy(dense).to(device)
    number, refitted = (max(1, n // workload.batch_size // _PART) for n in (IMPORTANCE_EXAMPLES, REFIT_EXAMPLES))
    batches = [on(device, workload.batch(workload.lengths[n % len(workload.lengths)])) for n in range(number)]
    start = time.perf_counter()
    for step in range(1, REMOVALS + 1):
        original = copy.deepcopy(model)
        importance(original, sublayers, batches)  # leaves it without its zeros
        left = kept_units(sublayers, density ** (step / REMOVALS))
        refit(model, original, sublayers, left, batches[:refitted])
    return IMPORTANCE_EXAMPLES / (number * workload.batch_size) * (time.perf_counter() - start)


def on(device: torch.device, batch: Batch) -> Batch:
    return {name: values.to(device) for name, values in batch.items()}


def kept_units(sublayers: list[Sublayer], density: float) -> dict[str, tuple[int, ...]]:
    return {s.name: tuple(range(max(1, round(density * s.num_units)))) for s in sublayers}


if __name__ == "__main__":
    main()
