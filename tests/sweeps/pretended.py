"""Runs that take no time: what `prune.pipeline.run.run` leaves, from a formula instead of a training."""

import json
from dataclasses import asdict

from prune.errors import UserError
from prune.results.layout import run_folder
from prune.results.record import Record
from tests.report.records import record

DEMO = ("model=demo", "task=demo", "method=struct", "report=false")
USERS_MISTAKE, CRASH, INTERRUPT = 13, 17, 19
"""Penalties at which a run fails."""


def run(config, screen=None):
    """The greater the penalty, the faster and the worse the model."""
    penalty = config.method.penalty
    if penalty == USERS_MISTAKE:
        raise UserError("nothing was removed: raise method.penalty")
    if penalty == CRASH:
        raise RuntimeError("CUDA error: an illegal memory access.\nSearch for it")
    if penalty == INTERRUPT:
        raise KeyboardInterrupt
    speed = {"batch_size": 1, "length": 8, "speedup": 1 + penalty / 50, "speedup_theoretical": 9.0}
    one = record(
        task=config.task.name, model=config.model.name, method=config.method.name, setting=f"penalty {penalty:g}",
        seed=config.seed, dense_value=0.9, value=0.9 - penalty / 1000, speed=[speed], config=asdict(config),
    )  # fmt: skip
    file = run_folder(config).record
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(one)))
    return Record.read(file)


def penalties(configs):
    return [config.method.penalty for config in configs]
