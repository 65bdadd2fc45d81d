"""One shot: no training to prune. Importance of all heads and dimensions at once, a choice under the target, a refit.

After Kwon et al. 2022 (A Fast Post-Training Pruning Framework for Transformers), with the choice made exactly, over all
sublayers together, and with whole sublayers allowed to go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from prune import models
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
    stage.model.mkdir(parents=True, exist_ok=True)
    save_file(importance_of(experiment, _start(experiment, dense)), stage.model / _IMPORTANCE)


def pruned(experiment: Experiment, dense: StageFolder, stage: StageFolder) -> Pruned:
    """The dense model with zeros for all units that the target leaves no room for, and refitted output matrices."""
    method = experiment.config.method
    kept = experiment.goal.choose(load_file(stage.model / _IMPORTANCE))
    model, original = _start(experiment, dense), _start(experiment, dense)
    batches = list(examples(experiment, method.refit_examples, model.device))
    refit(model, original, experiment.sublayers, kept, batches)
    model.cpu()
    return Pruned(model, experiment.proof_outputs(model))


def _start(experiment: Experiment, dense: StageFolder) -> PreTrainedModel:
    model = models.finished_model(str(dense.model), experiment.task.auto_class)
    result: PreTrainedModel = model.eval().to(speed_device("auto"))
    return result
