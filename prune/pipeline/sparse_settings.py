"""What methods that train under a mask that stays have in common, as far as settings go. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from prune.config.durations import in_steps
from prune.config.schema import Config, Control, Finish, ScheduleConfig
from prune.criteria import of_weights
from prune.pipeline.stage import Work, all_fields
from prune.runtime import registry
from prune.runtime.sanitize import shown

if TYPE_CHECKING:
    from prune.pipeline.compacting import Selection
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder

_UNREAD = ("name", "budget_flops", "budget_seconds", "eval_batch_size", "start_from", "score_learning_rate", "cooldown")
SCHEDULE = all_fields("schedule", ScheduleConfig, but=lambda name: name in _UNREAD or name.startswith("fill_"))
"""What of the schedule a training under such a mask reads."""
GRAINS_OF_SITES = tuple(
    f"method.{site}.{name}" for site in ("attention", "feed_forward") for name in ("criterion", "grain")
)


def problems_with_labels(config: Config) -> Iterator[str]:
    """A criterion that needs examples of each label, on a task that has no labels; criteria know that, with torch."""
    criterion, kind = config.method.criterion, config.task.kind
    saliencies = {name: registry.module("weight_saliencies", name).WEIGHT_SALIENCY for name in of_weights()}
    if criterion not in saliencies or registry.module("tasks", kind).TASK.has_labels:
        return
    if saliencies[criterion].needs_examples:
        others = ", ".join(name for name, saliency in saliencies.items() if not saliency.needs_examples)
        yield (
            f"method.criterion={criterion}: scores weights on examples of each label, and {kind} has no labels; say "
            f"{others}"
        )


def check(experiment: Experiment) -> None:
    """Raises a UserError where the model has not what the settings name."""
    from prune.pipeline.sparse_training import check_model

    check_model(experiment)


def select(experiment: Experiment, _dense: StageFolder, trained: StageFolder) -> Selection | None:
    """The model that such a training has left."""
    from prune.pipeline.sparse_training import trained_model

    return trained_model(experiment, trained)


def work(experiment: Experiment, _share: float) -> Work:
    """How long such a training takes."""
    return Work(experiment.learning.settings.prune.steps)


def with_control(setting: str, config: Config) -> str:
    """What the table shows of a setting, and of the control, if there is one."""
    control = config.method.control
    return setting if control is Control.none else f"{setting}, {control.value.replace('_', ' ')}"


def problems(config: Config, controls: Collection[Control]) -> Iterator[str]:
    """What does not go with a mask that stays."""
    method = config.method
    if method.control is not Control.none and method.control not in controls:
        allowed = ", ".join(control.value for control in (Control.none, *controls))
        yield f"method.control={method.control.value}: not a control of {method.kind}. Allowed: {allowed}"
    if method.finish is Finish.fill:
        yield f"method.finish=fill: {method.kind} trains under its mask, which a fill would lift; say fold or compact"
    if method.layers < 1:
        yield f"method.layers={method.layers:g}: {method.kind} leaves no layer out; say 1"


def problems_with_duration(name: str, config: Config, *others: str) -> Iterator[str]:
    """What is no part of the dense model's training, and none of the `others`."""
    value = getattr(config.method, name)
    if value in others:
        return
    try:
        in_steps(value, 1)
    except ValueError:
        allowed = "".join(f"{other}, " for other in others)
        part = 'a fraction of the dense model\'s training (0.05), or "100 steps"'
        yield f"method.{name}={shown(value)}: must be {allowed}{part}"
