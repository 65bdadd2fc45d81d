"""One shot: no training to prune. Importance of all heads and dimensions at once, a choice under the target, a refit.

After Kwon et al. 2022 (A Fast Post-Training Pruning Framework for Transformers), with the choice made exactly, over all
sublayers together, and with whole sublayers allowed to go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, set_seed

from prune.budget.budget import Kept
from prune.compaction.compact import compact
from prune.compaction.first_token import first_token_suffices
from prune.compaction.refit import refit
from prune.measure.speed import speed_device
from prune.methods import Pruned
from prune.models import loading
from prune.pipeline.importance import examples, importance_of
from prune.pipeline.stages import unfinished
from prune.runtime import distributed

if TYPE_CHECKING:
    from prune.pipeline.context import Experiment
    from prune.results.layout import StageFolder

_IMPORTANCE = "importance.safetensors"


def prune(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> None:
    """Leaves in `stage` the importance of all units of the dense model, whatever the target."""

    def find() -> None:
        stage.model.mkdir(parents=True, exist_ok=True)
        save_file(importance_of(experiment, _start(experiment, dense)), stage.model / _IMPORTANCE)

    distributed.broadcast_from_main(find)


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder, own: StageFolder) -> Pruned | None:
    """The dense model with zeros for all units that the target leaves no room for, and refitted output matrices.

    In several steps, each but the last has a part of the units removed, and the importance of the others found anew:
    where a part of the fill is spent on recovery, in a model that has been trained since.
    """
    latest = dense
    for step in range(1, experiment.config.method.removal_steps):
        latest = _removed(experiment, dense, latest, stage, own.part(f"removal_{step}"), step)

    def last() -> Pruned:
        model = _refitted(experiment, dense, latest, stage, experiment.budget.choose).cpu()
        return Pruned(model, experiment.proof_outputs(model))

    return distributed.on_main_process(last)


def _removed(
    experiment: Experiment, dense: StageFolder, latest: StageFolder, stage: StageFolder, part: StageFolder, step: int
) -> StageFolder:
    """Leaves in `part` the model after one more of the removal steps."""
    share = step / experiment.config.method.removal_steps
    with unfinished(part, "compact", experiment.screen, experiment.fingerprints) as watch:
        if watch:

            def remove() -> None:
                choose = partial(experiment.budget.choose_intermediate, share=share)
                _refitted(experiment, dense, latest, stage, choose).save_pretrained(part.model)

            distributed.broadcast_from_main(remove)
            if experiment.trainings.recoveries:
                _recover(experiment, dense, part, step)
            distributed.broadcast_from_main(lambda: part.finish(watch.report()))
    return part


def _recover(experiment: Experiment, dense: StageFolder, part: StageFolder, step: int) -> None:
    """Trains what is left of the model in `part`."""
    training = experiment.trainings.recoveries[step - 1]
    experiment.screen.stage("compact", f"recovery after removal {step}: {training.steps} steps of the fill")
    set_seed(experiment.config.seed)
    model = _start(experiment, part)
    structure = compact(model, experiment.sublayers, first_token_only=experiment.first_token_only)
    experiment.train(model, part, training, experiment.training_data(dense))

    def keep() -> None:
        whole = _start(experiment, part)
        structure.put_back(model, whole, experiment.sublayers)
        whole.save_pretrained(part.model)

    distributed.broadcast_from_main(keep)


def _refitted(
    experiment: Experiment,
    dense: StageFolder,
    latest: StageFolder,
    stage: StageFolder,
    choose: Callable[[dict[str, Tensor]], Kept],
) -> PreTrainedModel:
    """A model without the units that `choose` does not keep, by their importance in the one of `latest`.

    It is refitted to the dense model, or to the one of `latest` where that has been trained.
    """
    if latest == dense:
        importance = load_file(stage.model / _IMPORTANCE)
    else:
        importance = importance_of(experiment, _start(experiment, latest))
    wanted = latest if experiment.trainings.recoveries else dense
    model, original = (_start(experiment, wanted) for _ in range(2))
    compact(original, experiment.sublayers)  # its zeros would take as long as other numbers
    batches = list(examples(experiment, experiment.config.method.refit_examples, original.device))
    # What the head reads is the same where compact.first_token_only=false has the other tokens computed, too.
    first_token_only = first_token_suffices(experiment.task.auto_class, experiment.sublayers)
    refit(model, original, experiment.sublayers, choose(importance), batches, first_token_only=first_token_only)
    return model


def _start(experiment: Experiment, folder: StageFolder) -> PreTrainedModel:
    model = loading.finished_model(str(folder.model), experiment.task.auto_class)
    result: PreTrainedModel = model.eval().to(speed_device("auto"))
    return result
