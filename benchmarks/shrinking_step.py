"""What a training with masks that shrinks its model takes, fill included, against as many steps of dense training.

    make bench-shrink
    make bench-shrink ARGS="--model <folder of MiniLM>"
    make bench-shrink ARGS="--shape bert_base --lengths 384 --precision bfloat16"

All in one run, steps paired. Modelled is `method=struct compact.during_training=true` with a target and the lengths of
schedule=standard: at the start of each tenth of the training, what its masks then leave no room for has been removed,
the same share in every layer. Without a folder: random weights in MiniLM's shape.
"""

from __future__ import annotations

import copy

import torch
from rich.console import Console
from rich.table import Table
from transformers import BertForSequenceClassification

from benchmarks.filling_step import kept_units, smaller
from benchmarks.training_step import masks_of, stepper
from benchmarks.workload import Workload, options_of, ratio_over_an_epoch
from prune.masking.alive import Alive
from prune.masking.schedule import Cubic
from prune.methods.fine_pruning import LOOKS
from prune.models.architecture import sublayers_of
from prune.training.shrinking import take_away

DENSITIES = (0.5, 0.33, 0.2)
EPOCHS, FILL_EPOCHS, WARMUP, COOLDOWN = 3, 1, 10, 20
"""As in configs/schedule/standard.yaml; warm-up and cool-down in percent of the training."""


def main() -> None:
    workload, options = options_of(__doc__, pairs=20)
    dense = workload.bert()
    table = Table("density", "training with masks / dense", "fill / dense", "all / as many dense steps")
    for density in DENSITIES:
        parts = shares(density)
        ratios = {share: masked_ratio(dense, share, workload, options.pairs) for share in sorted(set(parts))}
        training = sum(ratios[share] for share in parts) / len(parts)
        fill = fill_ratio(dense, density, workload, options.pairs)
        both = (EPOCHS * training + FILL_EPOCHS * fill) / (EPOCHS + FILL_EPOCHS)
        table.add_row(f"{density}", f"{training:.2f}", f"{fill:.2f}", f"{both:.2f}")
    Console(width=100).print(table)
    print(workload.describe(options.pairs))


def shares(density: float) -> list[float]:
    """What is left of the model in each tenth of the training."""
    ramp = Cubic(1.0, density, 100, WARMUP, COOLDOWN)
    return [ramp(100 * part // LOOKS) for part in range(LOOKS)]


def masked_ratio(dense: BertForSequenceClassification, share: float, workload: Workload, num_pairs: int) -> float:
    """A step of a model with masks on the `share` that is left of it, over a dense step."""
    torch.manual_seed(0)
    model = copy.deepcopy(dense)
    sublayers = sublayers_of(model)
    alive = Alive(tuple(sublayers), kept_units(sublayers, share))
    take_away(model, sublayers, alive)
    masked = stepper(workload, model, masks_of(model, "struct", alive))
    return ratio_over_an_epoch(workload.main_process_first(stepper(workload, copy.deepcopy(dense)), masked, num_pairs))


def fill_ratio(dense: BertForSequenceClassification, density: float, workload: Workload, num_pairs: int) -> float:
    """A step of the fill over a dense step, both with dropout."""
    fill = stepper(workload, smaller(dense, density))
    return ratio_over_an_epoch(workload.main_process_first(stepper(workload, copy.deepcopy(dense)), fill, num_pairs))


if __name__ == "__main__":
    main()
