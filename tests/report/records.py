"""Records made by hand."""

import json
from dataclasses import asdict

from prune.results.record import Record


def record(**values):
    """A record; `values` instead of its own."""
    content = {
        "task": "sst2", "task_version": 1, "model": "small", "method": "hybrid", "setting": "penalty 20", "seed": 0,
        "metric": "accuracy", "higher_is_better": True, "value": 0.8512, "dense_value": 0.87,
        "scores": {"validation": {"accuracy": 0.8512}}, "dense_scores": {"validation": {"accuracy": 0.87}},
        "chance": 0.51, "num_examples": {"train": 100, "validation": 40}, "num_truncated": {"validation": 0},
        "linear_density": 0.25, "linear_density_before_fill": 0.25, "linear_params": 300, "dense_linear_params": 1000,
        "params": 1300, "dense_params": 2000, "bytes": 5200, "dense_bytes": 8000, "heads_kept": [2, 0],
        "dimensions_kept": [10, 3], "largest_logit_difference": 1e-7, "peak_memory_bytes": {"dense": 1},
        "speed": [speed(1, 1.25), speed(32, 1.756)], "seconds": {"dense": 1.0}, "config": {"seed": 0},
        "environment": {"python": "3.11"}, "measured_on": "a CPU, 2 threads, float32",
    }  # fmt: skip
    return Record(**content | values)


def speed(batch_size, times, length=8, dense_ms=100.0):
    """A measurement: so many `times` faster."""
    return {
        "batch_size": batch_size, "length": length, "speedup": times, "speedup_theoretical": 1.5 * times,
        "dense_ms": dense_ms, "model_ms": dense_ms / times,
    }  # fmt: skip


def save(folder, one):
    """`one` as a run leaves it in its folder."""
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(asdict(one)))
