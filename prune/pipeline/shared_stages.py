"""The stages that methods have in common: the dense model, compaction, the fill. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prune.config.durations import in_steps
from prune.config.identity import DENSE_SCHEDULE, PRUNING_OF_TASK
from prune.config.schema import Config, Finish, TaskConfig
from prune.pipeline.stage import Report, Stage, Work, all_fields

if TYPE_CHECKING:
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder


@dataclass(frozen=True)
class DenseReport(Report):
    """What is said of the dense model."""

    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Evaluation split -> metric -> value."""
    pretraining_flops: float = 0.0
    """Of the run that trained the model which this one began with, and of those before; 0 where none is known."""


@dataclass(frozen=True)
class CompactReport(Report):
    """What is said of a compacted model."""

    density: float = 0.0
    """Non-zero weights of the prunable layers over all weights of these layers in the dense model."""
    largest_logit_difference: float = 0.0
    """By which compaction changed an output, relative to the largest output."""
    spared: Mapping[str, int] = field(default_factory=dict)
    """Site -> units that stay as rounding padding."""
    shapes: Sequence[Mapping[str, Sequence[int]]] = ()
    """As `method.shape` would say what was chosen."""


@dataclass(frozen=True)
class SparseReport(Report):
    """What is said of a training under a mask."""

    scores_before: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Of the model that it began with, under the mask: first evaluation split -> metric -> value."""


def _run_dense(experiment: Experiment, folder: StageFolder) -> Mapping[str, Any]:
    from prune.pipeline.dense import fine_tune_dense

    return fine_tune_dense(experiment, folder)


def _work_dense(experiment: Experiment, _share: float) -> Work:
    return Work(experiment.learning.settings.dense.steps)


DENSE = Stage(
    name="dense",
    directory="dense",
    reads=(
        "model",
        *all_fields("task", TaskConfig, PRUNING_OF_TASK.__contains__),
        "data_seed",
        *(f"schedule.{key}" for key in DENSE_SCHEDULE),
        "seed",
    ),
    run=_run_dense,
    report=DenseReport,
    work=_work_dense,
    shared=True,
    survives_force=True,
)
"""Fine-tunes the unpruned model, or takes `model.dense`, and scores it: the reference of every difference."""


def early_dense(key: str) -> Stage:
    """The unpruned model after as much of its fine-tuning as the setting `key` of the method says."""

    def steps(experiment: Experiment) -> int:
        return in_steps(getattr(experiment.config.method, key), experiment.learning.settings.dense.steps)

    def run(experiment: Experiment, folder: StageFolder) -> Mapping[str, Any]:
        from prune.pipeline.dense import train_until

        train_until(steps(experiment), experiment, folder)
        return {}

    return Stage(
        "early_dense", "early_dense", run=run, reads=(*DENSE.reads, f"method.{key}"), shared=True,
        work=lambda experiment, _share: Work(steps(experiment)),
    )  # fmt: skip


def compaction(
    select: Callable[..., Any], *inputs: Stage, work: Callable[[Any, float], Work] = lambda _experiment, _share: Work(0)
) -> Stage:
    """Removes the heads and dimensions that `select` has emptied, and proves that no logit changed.

    `select`: (experiment, the folders of `inputs`) -> `compacting.Selection` on the main process, None elsewhere.
    """

    def run(experiment: Experiment, folder: StageFolder, *given: StageFolder) -> Mapping[str, Any]:
        from prune.pipeline.compacting import compact_selected

        return compact_selected(experiment, folder, select, given)

    return Stage("compact", "compacted", run=run, inputs=inputs, report=CompactReport, work=work)


def result_stage(config: Config, compacted: Stage) -> Stage:
    """The stage with the result of a run: the compacted model, or what a fill makes of it."""
    return _filling(compacted) if config.method.finish is Finish.fill else compacted


def _filling(compacted: Stage) -> Stage:
    """Frees the zeros that compaction left, and fine-tunes again."""

    def run(
        experiment: Experiment, folder: StageFolder, dense: StageFolder, compacted: StageFolder
    ) -> Mapping[str, Any]:
        from prune.pipeline.filling import fill

        return fill(experiment, folder, dense, compacted)

    def work(experiment: Experiment, share: float) -> Work:
        steps = experiment.learning.settings.fill.steps
        return Work(steps * share, taught_steps=steps)

    return Stage("fill", "filled", run=run, inputs=(DENSE, compacted), work=work)
