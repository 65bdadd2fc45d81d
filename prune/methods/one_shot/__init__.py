"""One shot: no training to prune. Importance of all heads and dimensions at once, a choice under the target, a refit.

After Kwon et al. 2022 (A Fast Post-Training Pruning Framework for Transformers), with the choice made exactly, over all
sublayers together, and with whole sublayers allowed to go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from prune.config.schema import Config, Finish
from prune.criteria import of_units
from prune.methods.one_shot.refit_size import num_refit_examples
from prune.pipeline.method import Method
from prune.pipeline.shared_stages import DENSE, compaction, result_stage
from prune.pipeline.stage import Report, Stage, Work
from prune.runtime.sanitize import shown

if TYPE_CHECKING:
    from prune.pipeline.compacting import Selection
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder

_READS = ("method.importance_examples", "method.layers", "method.attention.criterion", "method.feed_forward.criterion")
_FORWARD = 1 / 3
"""A forward pass, in training steps."""


@dataclass(frozen=True)
class RemovalReport(Report):
    """What is said of a removal step."""

    shapes: Sequence[Mapping[str, Sequence[int]]] = ()
    """Of the model after each step until this one, as `method.shape` has them."""


def _result(config: Config) -> Stage:
    """The importance of units, whatever the target; removals but the last, each a stage; and the last."""
    scored = Stage(
        "prune", "pruned", run=_score, inputs=(DENSE,), reads=_READS, shared=True,
        work=lambda experiment, _share: Work(_scoring_steps(experiment)),
    )  # fmt: skip
    latest = DENSE
    for step in range(1, config.method.removal_steps):
        latest = Stage(
            f"removal_{step}", f"removal_{step}", run=partial(_remove, step), inputs=(DENSE, scored, latest),
            report=RemovalReport, work=partial(_removal_work, step), transient=True,
        )  # fmt: skip
    last = partial(_removal_work, config.method.removal_steps)
    return result_stage(config, compaction(_select, DENSE, scored, latest, work=last))


def _score(experiment: Experiment, folder: StageFolder, dense: StageFolder) -> Mapping[str, Any]:
    from prune.methods.one_shot.removal import score_units

    score_units(experiment, folder, dense)
    return {}


def _remove(
    step: int,
    experiment: Experiment,
    folder: StageFolder,
    dense: StageFolder,
    scored: StageFolder,
    latest: StageFolder,
) -> Mapping[str, Any]:
    from prune.methods.one_shot.removal import remove

    return {"shapes": remove(step, experiment, folder, dense, scored, latest)}


def _select(experiment: Experiment, dense: StageFolder, scored: StageFolder, latest: StageFolder) -> Selection | None:
    from prune.methods.one_shot.removal import select

    return select(experiment, dense, scored, latest)


def _scoring_steps(experiment: Experiment) -> float:
    return experiment.config.method.importance_examples / experiment.config.schedule.batch_size


def _removal_work(step: int, experiment: Experiment, share: float) -> Work:
    """A refit, importance anew but in the first step, and the recovery that follows where there is one."""
    method, learning = experiment.config.method, experiment.learning
    before, after = (share ** (number / method.removal_steps) for number in (step - 1, step))
    # One pass of the model before; of the one after, to each sublayer in turn.
    passes = before + after * len(experiment.networks.sublayers) / 2
    steps = _FORWARD * num_refit_examples(step, experiment) / experiment.config.schedule.batch_size * passes
    if step > 1:
        steps += _scoring_steps(experiment) * before
    recoveries = learning.settings.recoveries
    taught = recoveries[step - 1].steps if step <= len(recoveries) else 0
    return Work(steps + taught * after, taught_steps=taught)


def _problems(config: Config) -> Iterator[str]:
    if config.task.weights and config.method.finish is not Finish.fill:
        yield f"task.weights={shown(config.task.weights)}: nothing is trained without a fill; say method.finish=fill"


METHOD = Method(
    _result,
    criteria=lambda grain: of_units() if grain.whole_units else [],
    one_criterion=True,
    scores_units=True,
    needs_target=True,
    takes_shape=lambda _config: True,
    problems=_problems,
    reads=("removal_steps", "recovery", "refit_tokens", "refit_examples", "tokens", "candidates", "candidate_fill"),
)
