"""The one result file of a run: typed, versioned."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

VERSION = 1
MARGIN_OVER_CHANCE = 0.01
CONSTANT = "the best constant answer"


@dataclass
class Record:
    """What one run gave. Metrics are fractions in [0, 1], higher is better unless `higher_is_better` says otherwise."""

    task: str
    task_version: int
    model: str
    method: str
    setting: str
    """What decides how hard the method prunes: `penalty 20` or `density 0.3`."""
    seed: int
    metric: str
    """Name of the main metric; `value` and `dense_value` are its values on the first evaluation split."""
    higher_is_better: bool
    value: float
    dense_value: float
    scores: dict[str, dict[str, float]]
    """Evaluation split -> metric -> value."""
    dense_scores: dict[str, dict[str, float]]
    chance: float
    """The main metric of the baseline."""
    num_examples: dict[str, int]
    """Split -> number of examples used."""
    num_truncated: dict[str, int]
    linear_density: float
    """Non-zero weights of the prunable layers over all weights of these layers in the dense model."""
    linear_density_before_fill: float
    linear_params: int
    """Weights that are left in the prunable layers, zeros included."""
    dense_linear_params: int
    params: int
    dense_params: int
    bytes: int
    dense_bytes: int
    heads_kept: list[int]
    """Per attention of the dense model, first layer first."""
    dimensions_kept: list[int]
    """Per feed-forward layer."""
    largest_logit_difference: float
    """Relative difference between the outputs of the masked and of the compacted model on real batches."""
    speed: list[dict[str, Any]]
    """One entry per batch size: see prune/measure/speed.py."""
    seconds: dict[str, float]
    """Time of each stage, of the session that finished it."""
    peak_memory_bytes: dict[str, int]
    """Highest memory use of the process (of the GPU, if there is one) until the end of each stage."""
    config: dict[str, Any]
    environment: dict[str, Any]
    """Versions, hardware, git commit, data fingerprints."""
    warnings: list[str] = field(default_factory=list)
    generation: list[dict[str, Any]] = field(default_factory=list)
    """Where texts are generated, one entry per batch size: see prune/measure/generation.py."""
    units_spared: dict[str, int] = field(default_factory=dict)
    """Site -> units that stayed so that widths are multiples of `compact.round_to`."""
    baseline: str = CONSTANT
    """What `chance` is the main metric of: the best constant answer, or a simple way to do the task."""
    version: int = VERSION

    @property
    def difference(self) -> float:
        """Value minus dense value."""
        return self.value - self.dense_value

    def is_chance(self, value: float) -> bool:
        """Whether `value` is not clearly better than the baseline."""
        return value <= self.chance + MARGIN_OVER_CHANCE

    @property
    def speedup(self) -> float:
        """Measured, at the last of the batch sizes."""
        return float(self.speed[-1]["speedup"])

    @staticmethod
    def read(file: Path) -> Record:
        """Reads a record.

        Raises:
            ValueError: if it is no record of this version.
        """
        content = json.loads(file.read_text())
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise ValueError(f"{file} is no record of version {VERSION}")
        known = {f.name for f in fields(Record)}
        record = Record(**{key: value for key, value in content.items() if key in known})
        numbers = (record.value, record.dense_value, record.chance, record.linear_density, record.params)
        if not record.speed or not all(isinstance(number, (int, float)) for number in (*numbers, *_speedups(record))):
            raise ValueError(f"{file} lacks a number that the table needs")
        return record


def _speedups(record: Record) -> list[Any]:
    return [speed.get(key) for speed in record.speed for key in ("speedup", "speedup_theoretical")]


def results_of(record: Record) -> dict[str, Any]:
    """What two runs of the same command must agree on: everything but times, memory and what depends on them."""
    content = asdict(record)
    measured = {"speed", "generation", "seconds", "peak_memory_bytes", "environment", "warnings"}
    return {key: value for key, value in content.items() if key not in measured}
