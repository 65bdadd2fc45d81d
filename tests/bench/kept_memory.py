"""What keeping memory does to measured ratios: the same two models, timed in processes with different pasts.

    python -m tests.bench.kept_memory

Random weights in MiniLM's shape, and a model that keeps 28 % of every sublayer; batches of 32 x 128 tokens. Fresh pages
are those that the kernel clears in one pass of the unpruned model.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from prune import quiet
from prune.measure.memory import keep_memory
from tests.bench.filling_step import smaller
from tests.bench.training_step import bert

BATCH, LENGTH, PAIRS, WARMUP = 32, 128, 12, 3
DENSITY, VOCABULARY = 0.28, 20000
LARGEST, BLOCKS, KEPT_EACH = 30_000_000, 200, 9
"""A past: so many blocks of up to so many bytes, freed, and among them a few small ones that stay."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("KEEP", "PAST"), help="measure in this process")
    options = parser.parse_args()
    if options.one:
        print(*measured(*(word == "yes" for word in options.one)))
        return
    table = Table("memory", "the process's past", "ratios", "fresh pages, MB")
    for keep in ("no", "yes"):
        for past in ("no", "yes"):
            command = [sys.executable, "-m", "tests.bench.kept_memory", "--one", keep, past]
            found = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
                     for _ in range(options.rounds)]  # fmt: skip
            ratios, pages = (", ".join(column) for column in zip(*found, strict=True))
            table.add_row(
                "kept" if keep == "yes" else "as it comes", "some" if past == "yes" else "none", ratios, pages
            )
    Console(width=100).print(table)


def measured(keep: bool, past: bool) -> tuple[str, str]:
    """The median ratio of paired times, and megabytes of fresh pages in a pass of the unpruned model."""
    quiet.libraries()
    stays = _live() if past else []
    if keep:
        keep_memory()
    dense = bert(None).eval()
    small = smaller(dense, DENSITY).eval()
    ids = torch.randint(0, VOCABULARY, (BATCH, LENGTH))
    with torch.inference_mode():
        pairs = [(_timed(lambda: dense(ids)), _timed(lambda: small(ids))) for _ in range(WARMUP + PAIRS)][WARMUP:]
    del stays
    ratio = statistics.median(a / b for (a, _), (b, _) in pairs)
    pages = statistics.median(pages for (_, pages), _ in pairs)
    return f"{ratio:.2f}", f"{pages * resource.getpagesize() / 1e6:.0f}"


def _live() -> list[torch.Tensor]:
    stays = []
    for number in range(BLOCKS):
        torch.ones(LARGEST // 4 // (1 + number % 7))
        if number % KEPT_EACH == 0:
            stays.append(torch.empty(5000))
    return stays


def _timed(call: Callable[[], object]) -> tuple[float, int]:
    """Seconds, and pages that the kernel cleared."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
    call()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


if __name__ == "__main__":
    main()
