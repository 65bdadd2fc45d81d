"""How long `prune table` takes over many records, beside reading and parsing their files alone.

    python -m tests.bench.table --records 10000 --seeds 5

The records are made in a temporary folder, in run folders as runs leave them, of as many configurations as there are
records per seed. The command is a process of its own, imports included; its output goes to a pipe.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from prune.config import Config
from prune.outputs import find_records, run_folder
from tests.report.records import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10000)
    parser.add_argument("--seeds", type=int, default=5, help="of each configuration")
    parser.add_argument("words", nargs="*", help="of prune table, for example format=json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name)
        for number in range(options.records):
            _make(outputs, number // options.seeds, number % options.seeds)
        floor = min(_seconds(lambda: _parse(outputs)) for _ in range(3))
        command = [sys.executable, "-m", "prune", "table", name, *options.words]
        whole = min(_seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(3))
    print(
        f"{options.records} records: {whole:.2f} s, {whole / floor:.1f} times reading and parsing them ({floor:.2f} s)"
    )


def _make(outputs: Path, number: int, seed: int) -> None:
    config = Config(outputs=str(outputs), seed=seed)
    config.task.name, config.model.name, config.method.name = "sst2", f"model_{number % 7}", f"method_{number % 3}"
    config.method.penalty = 1.0 + number
    folder = run_folder(config)
    folder.model.mkdir(parents=True)
    one = record(
        task=config.task.name,
        model=config.model.name,
        method=config.method.name,
        setting=f"penalty {number}",
        seed=seed,
        value=0.8 + number % 97 / 1000 + seed / 10000,
        linear_params=1 + number % 999,
        heads_kept=[number % 12] * 12,
        dimensions_kept=[number % 3072] * 12,
        config=asdict(config),
    )
    folder.record.write_text(json.dumps(asdict(one), indent=1))


def _parse(outputs: Path) -> None:
    for file in find_records(outputs):
        json.loads(file.read_bytes())


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
