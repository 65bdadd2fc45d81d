"""The cost of masks in training: a step of each method over a dense step, paired in one run; peak memory and the number
of operations likewise. Where batches are small for the device, as on a GPU, time follows the number of operations.

    make bench
    make bench ARGS="--model <folder of MiniLM>"
    make bench ARGS="--shape bert_base --lengths 384 --precision bfloat16"

Without a folder: random weights in MiniLM's shape, and batches with the lengths of SST-2's training sentences.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from transformers import BertForSequenceClassification

from benchmarks.workload import Batch, Step, Workload, options_of, ratio_over_an_epoch
from prune.config.keys import choices
from prune.config.schema import DistillationConfig, MethodConfig
from prune.files.paths import shipped
from prune.masking.fixed_masks import held, named_matrices
from prune.masking.masks import Masks
from prune.methods.fine_pruning.training import spread
from prune.models.architecture import sublayers_of
from prune.runtime.memory import forget_peak, give_back_memory, peak_memory_bytes
from prune.training.distillation import TrainingData
from prune.training.trainer import Training, _Trainer
from tests.operations import Counted

LIMITS = {"structured": 1.05, "unstructured": 1.3}
FIXED = "fixed_mask"


def main() -> None:
    workload, options = options_of(__doc__, {"--memory-of": "print the peak memory of this method (or dense) and stop"})
    if options.memory_of:
        print(peak_memory(workload, options.memory_of))
        return
    columns = ("method", "time / dense", "quartiles of steps", "limit", "memory / dense", "limit", "operations / dense")
    table = Table(*columns)
    methods = [name for name in choices("method") if settings_of(name).kind in ("fine_pruning", FIXED)]
    # First, while this process is small: a child's peak begins at its parent's size.
    memory = {method: memory_in_process(workload, method) for method in ["dense", *methods]}
    number = num_operations(workload, "dense")
    for method in methods:
        pairs = paired_times(workload, method, options.pairs)
        first, _, third = statistics.quantiles([masked / dense for _, dense, masked in pairs], n=4)
        limit = LIMITS.get(method, LIMITS["structured"])
        spread_of = f"{first:.3f} to {third:.3f}"
        allowed = "" if method == "unstructured" else "1.3"
        table.add_row(
            method,
            f"{ratio_over_an_epoch(pairs):.3f}",
            spread_of,
            f"{limit}",
            f"{memory[method] / memory['dense']:.2f}",
            allowed,
            f"{num_operations(workload, method) / number:.2f}",
        )
    Console(width=100).print(table)
    print(workload.describe(options.pairs))


def paired_times(workload: Workload, method: str, num_pairs: int) -> list[tuple[int, float, float]]:
    """Length, time of a dense step, time of a masked step on the same batch, the two in turn."""
    return workload.main_process_first(stepper_of(workload, "dense"), stepper_of(workload, method), num_pairs)


def memory_in_process(workload: Workload, method: str) -> float:
    """Peak memory of a few steps in bytes: on a CPU in a process of their own, since one keeps what it has used."""
    if torch.cuda.is_available():
        give_back_memory()
        forget_peak()
        return peak_memory(workload, method)
    command = [sys.executable, "-m", "benchmarks.training_step", "--memory-of", method, *workload.words]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def peak_memory(workload: Workload, method: str) -> int:
    """Peak memory after a few steps, in bytes: of the GPU, or of this process."""
    step = stepper_of(workload, method)
    for number in range(4):
        step(workload.batch(workload.lengths[-1]), number)
    return peak_memory_bytes()


def num_operations(workload: Workload, method: str) -> int:
    """Of one step."""
    step = stepper_of(workload, method)
    for number in range(2):
        step(workload.batch(workload.lengths[0]), number)  # the first makes what later ones find
    with Counted() as counted:
        step(workload.batch(workload.lengths[0]), 2)
    return counted.number


def stepper_of(workload: Workload, method: str) -> Step:
    """That of a method, or of dense training."""
    torch.manual_seed(0)
    model = workload.bert()
    if method == FIXED:
        hold(model)
    return stepper(workload, model, None if method in ("dense", FIXED) else masks_of(model, method))


def stepper(workload: Workload, model: BertForSequenceClassification, masks: Masks | None = None) -> Step:
    """A function (batch, step) -> seconds: forward, backward, clipping, optimizer, as the run's Trainer does them."""
    model.train()
    settings = Training("bench", 1000, 100, 1000, workload.batch_size, 5e-5, 1e-2, 0.0, workload.precision, 0)
    features = Dataset.from_dict({"length": [8] * workload.batch_size, "labels": [0] * workload.batch_size})
    folder = Path(tempfile.mkdtemp())
    trainer = _Trainer(model, TrainingData(features), None, settings, DistillationConfig(), folder, masks, None)
    trainer.current_gradient_accumulation_steps = 1  # set by the training loop otherwise
    optimizer = trainer.create_optimizer()

    def step(batch: Batch, number: int) -> float:
        start = time.perf_counter()
        if masks is not None:
            masks.advance(0.5, number)
        trainer.training_step(model, dict(batch))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.zero_grad()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return step


def masks_of(model: BertForSequenceClassification, method: str) -> Masks:
    """The masks of a shipped method on a model."""
    return spread(model, model.base_model, sublayers_of(model), settings_of(method), 0)


def hold(model: BertForSequenceClassification) -> None:
    """Puts a mask that stays, of half the weights, on a model for good."""
    matrices = named_matrices(sublayers_of(model))
    masks = {name: torch.rand(matrix.rows, matrix.columns) < 0.5 for name, matrix in matrices.items()}
    held(model.base_model, matrices, masks).__enter__()


def settings_of(method: str) -> MethodConfig:
    """Those of a shipped method."""
    content = OmegaConf.load(shipped("configs") / "method" / f"{method}.yaml")
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(MethodConfig), content))
    assert isinstance(config, MethodConfig)
    return config


if __name__ == "__main__":
    main()
