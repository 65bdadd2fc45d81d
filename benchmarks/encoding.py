"""How fast embedders are on real questions and paragraphs, each padded only as far as its batch needs.

    python -m benchmarks.encoding <folder of SQuAD> <the unpruned embedder> <a faster one> [<another> ...]

A folder with model.onnx is timed in ONNX Runtime, others in PyTorch, in float32. All models embed the same texts in
turn, in batches of texts of like length; tokenizing and pooling are not counted. The ratio is the first model's time
over the model's, the median of the rounds, with its quartiles.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from rich.console import Console
from rich.table import Table
from transformers import AutoModel, AutoTokenizer

from prune.inference.onnx import Session
from prune.measure.environment import processor

Batch = dict[str, torch.Tensor]
_SEED = 0
_MAX_LENGTH = 256


def opened(folder: Path) -> Callable[..., Any]:
    """The model in `folder`, to be called with inputs by their names."""
    if (folder / "model.onnx").is_file():
        return Session(folder)
    model: Callable[..., Any] = AutoModel.from_pretrained(folder, trust_remote_code=True, dtype=torch.float32).eval()
    return model


def batches_of(texts: Sequence[str], tokenizer: Any, size: int) -> list[Batch]:
    """`texts`, the longest first, `size` of them at a time."""
    texts = sorted(texts, key=len, reverse=True)
    settings = {"padding": True, "truncation": True, "max_length": _MAX_LENGTH, "return_tensors": "pt"}
    starts = range(0, len(texts), size)
    return [dict(tokenizer(texts[start : start + size], **settings)) for start in starts]


@torch.inference_mode()
def seconds_of(model: Callable[..., Any], batches: Sequence[Batch]) -> float:
    """Of embedding all `batches`."""
    start = time.perf_counter()
    for batch in batches:
        model(**batch)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("squad", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--texts", type=int, default=256, help="of each kind, drawn from the validation split")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 32])
    options = parser.parse_args()

    rows = Dataset.from_parquet(str(options.squad / "validation.parquet"))
    drawn = np.random.default_rng(_SEED)
    kinds = {"questions": sorted(set(rows["question"][:])), "paragraphs": sorted(set(rows["context"][:]))}
    texts = {kind: drawn.choice(all_, min(options.texts, len(all_)), replace=False) for kind, all_ in kinds.items()}
    tokenizer = AutoTokenizer.from_pretrained(options.models[0])
    models = [opened(folder) for folder in options.models]

    table = Table("model", "texts", "batch", "ms per text", "ratio", "quartiles", title=processor())
    for kind, of_kind in texts.items():
        for size in options.batch_sizes:
            batches = batches_of(of_kind.tolist(), tokenizer, size)
            for model in models:
                seconds_of(model, batches[: len(batches) // 4 + 1])
            rounds = [[seconds_of(model, batches) for model in models] for _ in range(options.rounds)]
            for folder, times in zip(options.models, zip(*rounds, strict=True), strict=True):
                ratios = [first[0] / own for first, own in zip(rounds, times, strict=True)]
                low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
                per_text = 1e3 * statistics.median(times) / len(of_kind)
                table.add_row(
                    str(folder), kind, str(size), f"{per_text:.2f}", f"{median:.2f}", f"{low:.2f} to {high:.2f}"
                )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
