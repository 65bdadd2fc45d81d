"""Fine-pruning: masks on one or both sites, moved by the schedule while the model is fine-tuned (Sanh et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prune.config.schema import Config, Finish, MethodConfig, ScheduleConfig, Start
from prune.config.targets import given
from prune.masking.grains import GRAINS
from prune.pipeline.method import Method
from prune.pipeline.shared_stages import DENSE, compaction, result_stage
from prune.pipeline.stage import Stage, Work, all_fields
from prune.runtime import registry

if TYPE_CHECKING:
    from prune.pipeline.compacting import Selection
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder

_READS = (
    *all_fields("method", MethodConfig, but=("name", "finish", "shape").__contains__),
    *all_fields(
        "schedule", ScheduleConfig, but=lambda name: name in ("name", "eval_batch_size") or name.startswith("fill_")
    ),
    "teacher",
    "distillation",
)


def _result(config: Config) -> Stage:
    trained = Stage(
        "prune", "pruned", run=_train, inputs=(DENSE,), reads=(*_READS, *_reads_of_target(config)), work=_work,
        shared=True,
    )  # fmt: skip
    return result_stage(config, compaction(_select, DENSE, trained))


def _reads_of_target(config: Config) -> tuple[str, ...]:
    if not given(config):
        return ()
    # Where the model will be filled, masked weights of units that stay count.
    fills = config.target.density is not None and config.method.finish is Finish.fill
    return "target", "evaluate.speed", "compact.first_token_only", *(("method.finish",) if fills else ())


def _work(experiment: Experiment, _share: float) -> Work:
    config, steps = experiment.config, experiment.learning.settings.prune.steps
    scores = config.method.importance_examples / config.schedule.batch_size
    return Work(steps + (scores if config.schedule.start_from is Start.one_shot else 0.0), taught_steps=steps)


def _train(experiment: Experiment, folder: StageFolder, dense: StageFolder) -> Mapping[str, Any]:
    from prune.methods.fine_pruning.training import train

    train(experiment, folder, dense)
    return {}


def _select(experiment: Experiment, dense: StageFolder, trained: StageFolder) -> Selection | None:
    from prune.methods.fine_pruning.training import select

    return select(experiment, dense, trained)


def _check(experiment: Experiment) -> None:
    from prune.methods.fine_pruning.reach import check_reach

    settings = experiment.learning.settings
    settings.ramp(settings.prune)  # raises where it has no step
    check_reach(experiment.config, settings.prune.steps, experiment.screen.warn)


def _takes_shape(config: Config) -> bool:
    sites = [site for site in (config.method.attention, config.method.feed_forward) if not site.stays]
    settings = [registry.module("criteria", site.criterion).CRITERION.setting for site in sites]
    return "penalty" not in settings and all(GRAINS[site.grain].whole_units for site in sites)


METHOD = Method(
    _result,
    takes_shape=_takes_shape,
    check=_check,
    reads=("penalty", "density", "threshold", "scope", "tokens"),
)
