"""One shot: no training to prune. Importance of all heads and dimensions at once, a choice under the target, a refit.

After Kwon et al. 2022 (A Fast Post-Training Pruning Framework for Transformers), with the choice made exactly, over all
sublayers together, and with whole sublayers allowed to go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from prune import models, processes
from prune.goals import Kept
from prune.importance import examples, importance_of
from prune.measure.speed import speed_device
from prune.methods import Pruned
from prune.shrink.refit import refit

if TYPE_CHECKING:
    from prune.outputs import StageFolder
    from prune.preparation import Experiment

_IMPORTANCE = "importance.safetensors"


def prune(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> None:
    """Leaves in `stage` the importance of all units of the dense model, whatever the target."""

    def find() -> None:
        stage.model.mkdir(parents=True, exist_ok=True)
        save_file(importance_of(experiment, _start(experiment, dense)), stage.model / _IMPORTANCE)

    processes.from_first(find)


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> Pruned:
    """The dense model with zeros for all units that the target leaves no room for, and refitted output matrices.

    In several steps, each but the last has a part of the units removed, and the importance of the others found anew.
    """
    method, goal, original = experiment.config.method, experiment.goal, _start(experiment, dense)
    batches = list(examples(experiment, method.refit_examples, original.device))
    importance = load_file(stage.model / _IMPORTANCE)
    for step in range(1, method.removal_steps):
        kept = goal.choose_on_the_way(importance, step / method.removal_steps)
        importance = importance_of(experiment, _refitted(experiment, dense, original, kept, batches))
    model = _refitted(experiment, dense, original, goal.choose(importance), batches).cpu()
    return Pruned(model, experiment.proof_outputs(model))


def _refitted(
    experiment: Experiment,
    dense: StageFolder,
    original: PreTrainedModel,
    kept: Kept,
    batches: list[dict[str, Tensor]],
) -> PreTrainedModel:
    model = _start(experiment, dense)
    refit(model, original, experiment.sublayers, kept, batches)
    return model


def _start(experiment: Experiment, dense: StageFolder) -> PreTrainedModel:
    model = models.finished_model(str(dense.model), experiment.task.auto_class)
    result: PreTrainedModel = model.eval().to(speed_device("auto"))
    return result
