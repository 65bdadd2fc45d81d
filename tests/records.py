"""Records as runs would leave them."""

from dataclasses import asdict

from prune.measure.hardware import hardware
from prune.results.record import Record

ENVIRONMENT = {
    "python": "3.11.7", "packages": {"torch": "2.13.0"}, "system": "Linux x86_64", "processor": "Abacus", "cores": 2,
    "processes": 1, "threads": 1, "gpu": None, "commit": "123", "data": {"train": "abc", "validation": "def"},
}  # fmt: skip


def record(config, **values):
    """The record of a run of `config`, with these `values`."""
    found = dict.fromkeys(Record.__dataclass_fields__, 1)
    found |= {
        "task": config.task.name, "model": config.model.name, "method": config.method.name, "metric": "accuracy",
        "seed": config.seed, "value": 0.8, "dense_value": 0.85, "linear_density": 0.3,
        "speed": [{"speedup": 2.0, "speedup_theoretical": 2.0, "batch_size": 8, "length": 16}],
        "scores": {"validation": {"f1": 0.7, "accuracy": 0.8}}, "dense_scores": {"validation": {"accuracy": 0.85}},
        "environment": ENVIRONMENT, "measured_on": hardware(ENVIRONMENT), "config": asdict(config),
    }  # fmt: skip
    return Record(**found | values)
