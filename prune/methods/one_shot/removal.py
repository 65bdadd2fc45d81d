"""Removal of units by their importance: scores, a choice within the budget, and output matrices refitted to it."""

from __future__ import annotations

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, set_seed

from prune.budget.budget import Kept
from prune.budget.shape import Shape, shape_of, units_of
from prune.compaction.compact import compact
from prune.compaction.first_token import first_token_suffices
from prune.compaction.refit import refit
from prune.measure.speed import speed_device
from prune.methods.one_shot.refit_size import num_refit_examples
from prune.pipeline.compacting import Selection
from prune.pipeline.experiment import Experiment
from prune.pipeline.importance import importance_of
from prune.results.layout import StageFolder
from prune.runtime import distributed
from prune.runtime.wording import counted

_IMPORTANCE = "importance.safetensors"


def score_units(experiment: Experiment, folder: StageFolder, dense: StageFolder) -> None:
    """Leaves in `folder` the importance of all units of the dense model, whatever the target."""

    def score() -> None:
        folder.model.mkdir(parents=True, exist_ok=True)
        save_file(_importance(experiment, dense), folder.model / _IMPORTANCE)

    distributed.broadcast_from_main(score)


def remove(
    step: int,
    experiment: Experiment,
    folder: StageFolder,
    dense: StageFolder,
    scored: StageFolder,
    latest: StageFolder,
) -> list[Shape]:
    """Leaves in `folder` the model after one more of the removal steps, and after the recovery that follows it.

    Returns the shapes that it had after this step and those before.

    Importance is found anew in each step but the first: where a part of the fill is spent on recovery, in a model that
    has been trained since.
    """

    def removed() -> list[Shape]:
        model, shapes = _refitted(step, experiment, dense, scored, latest)
        model.save_pretrained(folder.model)
        return shapes

    shapes = distributed.broadcast_from_main(removed)
    if experiment.learning.settings.recoveries:
        _recover(step, experiment, folder, dense)
    return shapes


def select(experiment: Experiment, dense: StageFolder, scored: StageFolder, latest: StageFolder) -> Selection | None:
    """The dense model with zeros for all units that the target leaves no room for, on the main process."""

    def last() -> Selection:
        steps = experiment.config.method.removal_steps
        model, shapes = _refitted(steps, experiment, dense, scored, latest)
        model.cpu()
        return Selection(model, experiment.examples.proof_outputs(model), shapes=shapes)

    return distributed.on_main_process(last)


def _recover(step: int, experiment: Experiment, folder: StageFolder, dense: StageFolder) -> None:
    """Trains what is left of the model in `folder`."""
    learning, networks = experiment.learning, experiment.networks
    training = learning.settings.recoveries[step - 1]
    experiment.screen.stage("compact", f"recovery after removal {step}: {counted(training.steps, 'step')} of the fill")
    set_seed(experiment.config.seed)
    model = _model_in(experiment, folder)
    structure = compact(model, networks.sublayers, first_token_only=networks.first_token_only)
    learning.train(model, folder, training, learning.data(dense))

    def keep() -> None:
        whole = _model_in(experiment, folder)
        structure.put_back(model, whole, networks.sublayers)
        whole.save_pretrained(folder.model)

    distributed.broadcast_from_main(keep)


def _choose(step: int, experiment: Experiment, importance: dict[str, Tensor]) -> Kept:
    """The units that stay after a removal step: as many as `method.shape` says, or as the target allows."""
    method = experiment.config.method
    if method.shape:
        return units_of(method.shape[step - 1], experiment.networks.sublayers, importance)
    if step == method.removal_steps:
        return experiment.budget.choose(importance)
    return experiment.budget.choose_intermediate(importance, step / method.removal_steps)


def _refitted(
    step: int, experiment: Experiment, dense: StageFolder, scored: StageFolder, latest: StageFolder
) -> tuple[PreTrainedModel, list[Shape]]:
    """A model without the units that a removal step does not keep, by their importance in the one of `latest`; and the
    shapes until then.

    It is refitted to the dense model, or to the one of `latest` where that has been trained.
    """
    sublayers = experiment.networks.sublayers
    importance = load_file(scored.model / _IMPORTANCE) if latest == dense else _importance(experiment, latest)
    wanted = latest if experiment.learning.settings.recoveries else dense
    model, original = (_model_in(experiment, wanted) for _ in range(2))
    compact(original, sublayers)  # its zeros would take as long as other numbers
    batches = list(experiment.examples.sample(num_refit_examples(step, experiment), original.device))
    # What the head reads is the same where compact.first_token_only=false has the other tokens computed, too.
    first_token_only = first_token_suffices(experiment.networks.task.auto_class, sublayers)
    kept = _choose(step, experiment, importance)
    refit(model, original, sublayers, kept, batches, first_token_only=first_token_only)
    earlier = (latest.read_report() or {}).get("shapes", [])
    return model, [*earlier, shape_of(kept, sublayers)]


def _importance(experiment: Experiment, folder: StageFolder) -> dict[str, Tensor]:
    method = experiment.config.method
    criterion = next(site.criterion for site in (method.attention, method.feed_forward) if not site.stays)
    return importance_of(experiment, _model_in(experiment, folder), criterion)


def _model_in(experiment: Experiment, folder: StageFolder) -> PreTrainedModel:
    model: PreTrainedModel = experiment.networks.without_dropped_layers(folder).eval().to(speed_device("auto"))
    return model
