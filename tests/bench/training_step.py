"""The cost of masks in training: a step of each method over a dense step, paired in one run, and peak memory likewise.

    make bench
    make bench ARGS="--model <folder of MiniLM>"

Without a folder: random weights in MiniLM's shape, and batches with the lengths of SST-2's training sentences.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from datasets import Dataset
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from transformers import BertConfig, BertForSequenceClassification

from prune import models, quiet
from prune.anatomy import sublayers_of
from prune.assignments import choices
from prune.config import DistillationConfig, MethodConfig, Precision
from prune.masking.alive import Alive
from prune.masking.masks import Masks
from prune.memory import keep_memory
from prune.methods.fine_pruning import spread
from prune.places import shipped
from prune.training.distillation import Lesson
from prune.training.trainer import Training, _Trainer

BATCH_SIZE = 32
LENGTHS = (4, 5, 6, 8, 9, 11, 14, 18, 23, 33)
"""Tokens in SST-2's training sentences: 5th, 15th, ... 95th percentile."""
Step = Callable[[dict[str, torch.Tensor], int], float]
LIMITS = {"structured": 1.05, "element": 1.3}


def main() -> None:
    options = options_of(__doc__, {"--memory-of": "print the peak memory of this method (or dense) and stop"})
    if options.memory_of:
        print(peak_memory(options.model, options.memory_of))
        return
    table = Table("method", "time / dense", "quartiles of steps", "limit", "memory / dense", "limit")
    # First, while this process is small: a child's peak begins at its parent's size.
    memory = {method: memory_in_process(options.model, method) for method in ["dense", *choices("method")]}
    for method in choices("method"):
        pairs = paired_times(options.model, method, options.pairs)
        first, _, third = statistics.quantiles([masked / dense for _, dense, masked in pairs], n=4)
        limit = LIMITS["element" if method == "unstructured" else "structured"]
        spread_of = f"{first:.3f} to {third:.3f}"
        allowed = "" if method == "unstructured" else "1.3"
        table.add_row(
            method,
            f"{ratio_over_an_epoch(pairs):.3f}",
            spread_of,
            f"{limit}",
            f"{memory[method] / memory['dense']:.2f}",
            allowed,
        )
    Console(width=100).print(table)
    print(f"{torch.get_num_threads()} threads, batch {BATCH_SIZE}, lengths {LENGTHS}, {options.pairs} pairs, float32")


def options_of(
    description: str | None, others: Mapping[str, str] = MappingProxyType({}), pairs: int = 60
) -> argparse.Namespace:
    """What the command line says: a model, a number of pairs, and the `others` with their helps. Then all is quiet."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder of a pretrained BERT")
    parser.add_argument("--pairs", type=int, default=pairs)
    for name, text in others.items():
        parser.add_argument(name, help=text)
    options = parser.parse_args()
    quiet.libraries()
    keep_memory()
    return options


def paired_times(path: str | None, method: str, num_pairs: int) -> list[tuple[int, float, float]]:
    """Length, time of a dense step, time of a masked step on the same batch, the two in turn."""
    return in_turn(stepper_of(path, "dense"), stepper_of(path, method), num_pairs)


def in_turn(first: Step, second: Step, num_pairs: int) -> list[tuple[int, float, float]]:
    """Length and both times of each pair; all lengths once more at first, to warm up."""
    if num_pairs < len(LENGTHS):
        raise SystemExit(f"--pairs={num_pairs}: at least {len(LENGTHS)}, one for each length")
    pairs = []
    for pair in range(num_pairs + len(LENGTHS)):
        length = LENGTHS[pair % len(LENGTHS)]
        batch = random_batch(length)
        pairs.append((length, first(batch, pair), second(batch, pair)))
    return pairs[len(LENGTHS) :]


def ratio_over_an_epoch(pairs: list[tuple[int, float, float]]) -> float:
    """Time of an epoch with masks over that of a dense one: all lengths are as frequent, medians of each."""
    by_length = [[pair for pair in pairs if pair[0] == length] for length in LENGTHS]
    dense, masked = (sum(statistics.median(pair[which] for pair in some) for some in by_length) for which in (1, 2))
    return masked / dense


def memory_in_process(path: str | None, method: str) -> float:
    """Peak memory of a few steps in a process of their own, in bytes."""
    command = [sys.executable, "-m", "tests.bench.training_step", "--memory-of", method]
    command += ["--model", path] if path else []
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def peak_memory(path: str | None, method: str) -> int:
    """Peak memory of this process after a few steps, in bytes."""
    step = stepper_of(path, method)
    for number in range(4):
        step(random_batch(LENGTHS[-1]), number)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def random_batch(length: int) -> dict[str, torch.Tensor]:
    ids = torch.randint(1000, 20000, (BATCH_SIZE, length))
    labels = torch.randint(0, 2, (BATCH_SIZE,))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def stepper_of(path: str | None, method: str) -> Step:
    """That of a method, or of dense training."""
    torch.manual_seed(0)
    model = bert(path)
    return stepper(model, None if method == "dense" else masks_of(model, method))


def stepper(model: BertForSequenceClassification, masks: Masks | None = None) -> Step:
    """A function (batch, step) -> seconds: forward, backward, clipping, optimizer, as the run's Trainer does them."""
    model.train()
    settings = Training("bench", 1000, 100, 1000, BATCH_SIZE, 5e-5, 1e-2, 0.0, Precision.float32, 0)
    features = Dataset.from_dict({"length": [8] * BATCH_SIZE, "labels": [0] * BATCH_SIZE})
    folder = Path(tempfile.mkdtemp())
    trainer = _Trainer(model, Lesson(features), None, settings, DistillationConfig(), folder, masks)
    trainer.current_gradient_accumulation_steps = 1  # set by the training loop otherwise
    optimizer = trainer.create_optimizer()

    def step(batch: dict[str, torch.Tensor], number: int) -> float:
        start = time.perf_counter()
        if masks is not None:
            masks.advance(0.5, number)
        trainer.training_step(model, dict(batch))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.zero_grad()
        return time.perf_counter() - start

    return step


def bert(path: str | None) -> BertForSequenceClassification:
    """The model of a folder, or one of MiniLM's shape with random weights."""
    if path:
        return models.fresh_model(path, "AutoModelForSequenceClassification", {"num_labels": 2}, pretrained=True)
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    return BertForSequenceClassification(BertConfig(vocab_size=30522, **shape))


def masks_of(model: BertForSequenceClassification, method: str, alive: Alive | None = None) -> Masks:
    """The masks of a shipped method on a model, or on what is `alive` of one that has been shrunk."""
    content = OmegaConf.load(shipped("configs") / "method" / f"{method}.yaml")
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(MethodConfig), content))
    assert isinstance(config, MethodConfig)
    sublayers = list(alive.sublayers) if alive else sublayers_of(model)
    return spread(model, model.base_model, sublayers, config, 0, alive)


if __name__ == "__main__":
    main()
