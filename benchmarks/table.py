"""How long `prune table` takes over many records, beside reading and parsing their files alone.

    python -m benchmarks.table --records 10000 --seeds 5

The records are made in a temporary folder, in run folders as runs leave them, of as many configurations as there are
records per seed. The command is a process of its own, imports included; its output goes to a pipe.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.many import make
from prune.results.layout import find_records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10000)
    parser.add_argument("--seeds", type=int, default=5, help="of each configuration")
    parser.add_argument("words", nargs="*", help="of prune table, for example format=json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name)
        for number in range(options.records):
            make(outputs, number // options.seeds, number % options.seeds)
        command = [sys.executable, "-m", "prune", "table", name, *options.words]
        floor = _seconds(lambda: _parse(outputs))
        whole = _seconds(lambda: subprocess.run(command, check=True, capture_output=True))
    print(f"{options.records} records: {_shown(whole)}; reading and parsing them alone: {_shown(floor)}")
    print(f"ratio: {whole[0] / floor[0]:.1f} by the clock, {whole[1] / floor[1]:.1f} of processor time")


def _parse(outputs: Path) -> None:
    for file in find_records(outputs):
        json.loads(file.read_bytes())


def _seconds(action: Callable[[], object]) -> tuple[float, float]:
    """The quickest of three times: by the clock, and of the processor."""
    found = []
    for _ in range(3):
        before = time.perf_counter(), _processor_seconds()
        action()
        found.append((time.perf_counter() - before[0], _processor_seconds() - before[1]))
    return min(found)


def _processor_seconds() -> float:
    """Of this process and those that it has waited for: what else runs on the machine changes it less."""
    return sum(os.times()[:4])


def _shown(seconds: tuple[float, float]) -> str:
    return f"{seconds[0]:.2f} s ({seconds[1]:.2f} s of processor time)"


if __name__ == "__main__":
    main()
