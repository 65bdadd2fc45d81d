"""The one result file of a run: typed, versioned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

from prune.config.identity import dense_identity, differences, digest, run_identity
from prune.errors import UserError
from prune.measure.contention import MOST_WAITED
from prune.results.layout import RunFolder
from prune.results.migrations import VERSION
from prune.results.reading import NewerRecord, UnreadableRecord, read_content
from prune.results.typed import is_finite
from prune.tasks.metrics.specs import CONSTANT, POINTS, MetricSpec, spec_of


@dataclass
class Record:
    """What one run gave. What its metrics are, prune/tasks/metrics/specs.py says."""

    task: str
    task_version: int
    model: str
    method: str
    setting: str
    """What decides how much the method prunes: `penalty 20` or `density 0.3`."""
    seed: int
    metric: str
    """Name of the main metric; `value` and `dense_value` are its values on the first evaluation split."""
    higher_is_better: bool
    """Of the main metric, as it was when the record was written."""
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
    """Weights left in the prunable layers, zeros included."""
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
    shapes: list[dict[str, list[int]]] = field(default_factory=list)
    """What `method.shape` says to get the same shape again; empty where it cannot."""
    scores_before_training: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of the model that a training under a mask began with: first evaluation split -> metric -> value; else empty."""
    probes: dict[str, dict[str, float]] = field(default_factory=dict)
    """Probe -> accuracy of all its examples, of the best constant answer (`chance`), and of its groups."""
    dense_probes: dict[str, dict[str, float]] = field(default_factory=dict)
    """The same of the dense model."""
    baseline: str = CONSTANT
    """What `chance` is the main metric of: the best constant answer, or a simple way to do the task."""
    measured_on: str = ""
    """What `speed` was measured on: see prune/measure/hardware.py."""
    training: dict[str, dict[str, float]] = field(default_factory=dict)
    """Stage that trains -> `steps`, `epochs`, `flops` (floating-point operations) and `seconds` of its steps; `flops`
    of the teacher's answers, and of the pretraining where that was a run, too. Empty: not known."""
    version: int = VERSION

    @property
    def spec(self) -> MetricSpec:
        """The main metric."""
        return spec_of(self.metric, self.higher_is_better)

    @property
    def difference(self) -> float:
        """Value minus dense value."""
        return self.value - self.dense_value

    @property
    def scored_in_points(self) -> bool:
        """Whether some of its scores are shown in points, which they do not say themselves."""
        return any(spec_of(name).unit == POINTS for metrics in self.scores.values() for name in metrics)

    def is_chance(self, value: float) -> bool:
        """Whether `value` is not clearly better than the baseline."""
        return not self.spec.exceeds(value, self.chance)

    @property
    def speedup(self) -> float:
        """Measured, at the last of the batch sizes."""
        return float(self.speed[-1]["speedup"])

    @property
    def speedup_over_eager(self) -> float | None:
        """The same over the dense model in PyTorch's eager mode, in float32; None: not known."""
        if (over := self.speed[-1].get("speedup_over_eager")) is not None:
            return float(over)
        return self.speedup if self.measured_on.endswith(", float32") else None

    @property
    def is_disturbed(self) -> bool:
        """Whether other work took the cores while that was measured."""
        return bool(self.speed[-1].get("waited", 0.0) > MOST_WAITED)

    @property
    def training_flops(self) -> float | None:
        """Floating-point operations of all trainings that led to the model; None: not known."""
        return self._flops_of(self.training)

    @property
    def dense_training_flops(self) -> float | None:
        """The same of the dense model."""
        return self._flops_of([name for name in ("pretraining", "dense") if name in self.training])

    def _flops_of(self, stages: Iterable[str]) -> float | None:
        total = sum(self.training[stage].get("flops", 0.0) for stage in stages)
        return total if self.training and is_finite(total) else None

    @cached_property
    def non_default_settings(self) -> dict[str, Any]:
        """The settings that are not the schema's default."""
        return differences(self.config)

    @cached_property
    def configuration(self) -> str:
        """The same for all seeds: the name of the run's folder above its seed."""
        return digest(run_identity(self.non_default_settings))

    @cached_property
    def fine_tuning(self) -> str:
        """The same for all runs with the same dense model, whatever its seed."""
        return digest(dense_identity(self.non_default_settings))

    @staticmethod
    def read(file: Path) -> Record:
        """Reads a record of this version or an older one.

        Raises:
            UnreadableRecord: naming the file and what is wrong with it.
        """
        return Record(**read_content(file, _TYPES, _OPTIONAL))


_TYPES = get_type_hints(Record)
_OPTIONAL = {one.name for one in fields(Record) if one.default is not MISSING or one.default_factory is not MISSING}


def record_of(run: RunFolder) -> Record:
    """That of a finished run.

    Raises:
        UserError: if it is not finished.
    """
    try:
        return Record.read(run.record)
    except (OSError, ValueError) as error:
        raise UserError(f"{run.path} is not the folder of a finished run ({error})") from error


def finished(file: Path, warn: Callable[[str], None]) -> Record | None:
    """The record of a run; None where it is not there, or is damaged, which `warn` is told.

    Raises:
        NewerRecord: if a newer program wrote it.
    """
    if not file.exists():
        return None
    try:
        return Record.read(file)
    except NewerRecord:
        raise
    except UnreadableRecord as error:
        warn(f"{error}: the run is evaluated again")
        return None


def results_of(record: Record) -> dict[str, Any]:
    """What two runs of the same command must agree on: everything but times, memory, and what depends on these."""
    content = asdict(record)
    content["training"] = {
        stage: {name: value for name, value in took.items() if name != "seconds"}
        for stage, took in record.training.items()
    }
    measured = {"speed", "generation", "seconds", "peak_memory_bytes", "environment", "measured_on", "warnings"}
    return {key: value for key, value in content.items() if key not in measured}
