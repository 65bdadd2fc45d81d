"""What keeping memory does to measured ratios, and to training: the same models in processes with and without.

    python -m benchmarks.kept_memory

Random weights in MiniLM's shape, and a model that keeps 28 % of every sublayer. Ratios: of batches of 32 x 128 tokens,
in processes with different pasts; fresh pages are those that the kernel clears in one pass of the unpruned model.
Training: batches with the lengths of SST-2's sentences.
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

from benchmarks.filling_step import smaller
from benchmarks.training_step import stepper
from benchmarks.workload import LENGTHS, Workload
from prune.runtime import library_output
from prune.runtime.memory import keep_memory, trim

BATCH, LENGTH, PAIRS, WARMUP = 32, 128, 12, 3
DENSITY, VOCABULARY = 0.28, 20000
STEP_ROUNDS, TRIM_DISTANCE = 20, 94
"""The second as in a training of 1,875 steps, which gives memory back twenty times."""
LARGEST, BLOCKS, KEPT_EACH = 30_000_000, 200, 9
"""A past: so many blocks of up to so many bytes, freed, and among them a few small ones that stay."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("KEEP", "PAST"), help="measure in this process")
    parser.add_argument("--steps", metavar="KEEP", help="measure training steps in this process")
    options = parser.parse_args()
    if options.one:
        print(*measured(*(word == "yes" for word in options.one)))
        return
    if options.steps:
        print(*steps(options.steps))
        return
    table = Table("memory", "the process's past", "ratios", "fresh pages, MB")
    for keep in ("no", "yes"):
        for past in ("no", "yes"):
            ratios, pages = _in_processes(options.rounds, "--one", keep, past)
            table.add_row(_KEEPING[keep], "some" if past == "yes" else "none", ratios, pages)
    Console(width=100).print(table)
    table = Table("memory", f"ms per training step at density {DENSITY}", "peak memory, MB")
    for keep, meaning in _KEEPING.items():
        table.add_row(meaning, *_in_processes(options.rounds, "--steps", keep))
    Console(width=100).print(table)


_KEEPING = {"no": "as it comes", "yes": "kept", "trimmed": f"kept, given back every {TRIM_DISTANCE} steps"}


def _in_processes(rounds: int, *words: str) -> list[str]:
    """What so many processes of this command print, column by column."""
    command = [sys.executable, "-m", "benchmarks.kept_memory", *words]
    found = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(rounds)]
    return [", ".join(column) for column in zip(*found, strict=True)]


def steps(keep: str) -> tuple[str, str]:
    """Mean milliseconds of a training step of the pruned model, and the process's peak memory."""
    library_output.libraries()
    if keep != "no":
        keep_memory()
    step = stepper(Workload(), smaller(Workload().bert(), DENSITY))
    times = []
    for number in range(STEP_ROUNDS * len(LENGTHS)):
        times.append(step(Workload().batch(LENGTHS[number % len(LENGTHS)]), number))
        if keep == "trimmed" and number % TRIM_DISTANCE == TRIM_DISTANCE - 1:
            times[-1] += _timed(trim)[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return f"{1e3 * statistics.mean(times[len(LENGTHS) :]):.1f}", f"{peak:.0f}"


def measured(keep: bool, past: bool) -> tuple[str, str]:
    """The median ratio of paired times, and megabytes of fresh pages in a pass of the unpruned model."""
    library_output.libraries()
    stays = _live() if past else []
    if keep:
        keep_memory()
    dense = Workload().bert().eval()
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
