"""Many records, in run folders as runs leave them, for benchmarks of what reads them."""

import json
from dataclasses import asdict
from pathlib import Path

from prune.config.schema import Config
from prune.results.layout import run_folder
from tests.report.records import record


def make(outputs: Path, number: int, seed: int) -> None:
    """Leaves the record of one configuration and seed, different from those of other numbers."""
    config = Config(outputs=str(outputs), seed=seed)
    config.task.name, config.model.name, config.method.name = "sst2", f"model_{number % 7}", f"method_{number % 3}"
    config.method.penalty = 1.0 + number
    folder = run_folder(config)
    folder.model.mkdir(parents=True)
    speedup = 1 + number % 401 / 50
    timed = {"length": 128, "dense_ms": 800.0, "model_ms": 800 / speedup, "speedup_theoretical": 1.2 * speedup}
    one = record(
        task=config.task.name,
        model=config.model.name,
        method=config.method.name,
        seed=seed,
        config=asdict(config),
        setting=f"penalty {number}",
        value=0.8 + number % 97 / 1000 + seed / 10000,
        linear_params=1 + number % 999,
        linear_density=(1 + number % 999) / 1000,
        heads_kept=[number % 12] * 12,
        dimensions_kept=[number % 3072] * 12,
        speed=[timed | {"batch_size": size, "speedup": speedup} for size in (1, 32)],
    )
    folder.record.write_text(json.dumps(asdict(one), indent=1))
