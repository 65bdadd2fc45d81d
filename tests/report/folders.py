"""Folders of results made by hand: records, and what a report needs besides, without any training."""

import json
from dataclasses import asdict

import numpy as np
from safetensors.numpy import save_file

from prune.compaction.written import as_ranges
from tests.report.records import record

SPEEDS = {
    1: {"batch_size": 1, "length": 8, "dense_ms": 4.0, "speedup_theoretical": 2.0},
    32: {"batch_size": 32, "length": 8, "dense_ms": 80.0, "speedup_theoretical": 2.5},
}


def measured(speedup, **values):
    """A record that is `speedup` times as fast at batch 32, and half that at batch 1."""
    times = {1: speedup / 2, 32: speedup}
    speed = [
        one | {"speedup": time, "model_ms": one["dense_ms"] / time, "speedup_quartiles": [0.9 * time, 1.1 * time]}
        for one, time in ((SPEEDS[size], time) for size, time in times.items())
    ]
    on = {"measured_on": "a processor, 2 threads, float32", "environment": {"packages": {}}}
    return record(**on | {"speed": speed} | values)


def configured(penalty, seed=0, **values):
    """The config of a record."""
    site = {"criterion": "soft_movement", "grain": "block", "block": [4, 4]}
    return {
        "model": {"name": "small", "path": "someone/small"},
        "task": {"name": "sst2", "kind": "text_classification", "path": "nyu-mll/glue", "subset": "sst2",
                 "metrics": ["accuracy"]},
        "method": {"name": "hybrid", "attention": site, "feed_forward": site | {"grain": "dimension"},
                   "penalty": penalty, "threshold": 0.1, "finish": "compact"},
        "seed": seed, "outputs": "/somewhere/else",
    } | values  # fmt: skip


def save(outputs, one, name):
    """Leaves a record where its run would; `name` stands for the hash."""
    folder = outputs / one.task / one.model / one.method / name / f"seed_{one.seed}"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(asdict(one)))
    return folder


def swept(outputs):
    """Nine runs: two methods, at some penalties with three seeds."""
    for penalty, speedup, value in ((20, 1.5, 0.86), (40, 2.5, 0.85), (60, 4.0, 0.80), (80, 3.0, 0.79)):
        for seed in (0, 1, 2) if penalty == 40 else (0,):
            config = configured(penalty, seed)
            one = measured(speedup, setting=f"penalty {penalty}", seed=seed, value=value + 0.01 * seed, config=config)
            save(outputs, one, f"a{penalty}")
    for penalty, speedup in ((20, 2.0), (40, 5.0), (60, 8.0)):
        one = measured(speedup, method="struct", setting=f"penalty {penalty}", value=0.84, config=configured(penalty))
        save(outputs, one, f"b{penalty}")
    return outputs


HEADS, DIMENSIONS, HIDDEN = 4, 6, 8


def with_model(folder, heads, dimensions):
    """Gives a run's folder the files of a model of one BERT layer that keeps these heads and dimensions."""
    model = folder / "model"
    model.mkdir()
    kept = {"encoder.layer.0.attention": as_ranges(heads), "encoder.layer.0.feed_forward": as_ranges(dimensions)}
    structure = {"pruned_structure": {"version": 2, "kept": kept}}
    sizes = {"num_attention_heads": HEADS, "intermediate_size": DIMENSIONS}
    found_by = {"AutoModelForSequenceClassification": "modeling_pruned.BertForSequenceClassification"}
    (model / "config.json").write_text(json.dumps({"model_type": "bert", "auto_map": found_by} | structure | sizes))
    start, width = "bert.encoder.layer.0", len(heads) * HIDDEN // HEADS
    shapes = {f"{start}.attention.self.{name}": (width, HIDDEN) for name in ("query", "key", "value")}
    shapes |= {f"{start}.attention.output.dense": (HIDDEN, width)}
    shapes |= {
        f"{start}.intermediate.dense": (len(dimensions), HIDDEN),
        f"{start}.output.dense": (HIDDEN, len(dimensions)),
    }
    save_file(
        {f"{name}.weight": np.ones(shape, np.float32) for name, shape in shapes.items()}, model / "model.safetensors"
    )
    (folder / "recipe.yaml").write_text("# @package _global_\nmethod: {penalty: 20.0}\nreference:\n  value: 1.0\n")
    history = [
        {"loss": 1 / step, "penalty_loss": 0.1, "density_attention": 1 - 0.1 * step, "threshold_attention": 0.1 * step,
         "penalty_weight_attention": step, "units_attention": 4, "ramp": 0.1 * step, "step": step}
        for step in range(1, 6)
    ]  # fmt: skip
    (folder / "filled").mkdir()
    (folder / "filled" / "history.json").write_text(json.dumps(history))
    return folder
