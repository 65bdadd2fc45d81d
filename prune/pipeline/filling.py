"""The fill: zeros that compaction left are freed, and the compact model is fine-tuned again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import set_seed

from prune.compaction import saved_model
from prune.compaction.structure import Structure
from prune.pipeline.experiment import Experiment
from prune.pipeline.stages import saving
from prune.results.layout import StageFolder
from prune.runtime import distributed


def fill(experiment: Experiment, folder: StageFolder, dense: StageFolder, compacted: StageFolder) -> Mapping[str, Any]:
    """Leaves the filled model in `folder`."""
    learning, examples = experiment.learning, experiment.examples
    experiment.screen.stage("fill", "freeing the zeros that are left, and fine-tuning again")
    set_seed(experiment.config.seed)
    model = experiment.networks.pruned(compacted.model)
    learning.train(model, folder, learning.settings.fill, learning.data(dense))

    def keep() -> None:
        structure = Structure.read(compacted.model)
        with saving(model, folder):
            saved_model.save(model, structure, examples.tokenizer, folder.model)
            examples.task.save(model, folder.model)

    distributed.broadcast_from_main(keep)
    return {}
