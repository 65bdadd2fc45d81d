"""The dense model in other formats, against which exports are timed: written once, and kept beside it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from prune.config.identity import digest
from prune.files.checksums import Damaged
from prune.inference.formats import FORMATS
from prune.inference.inputs import Inputs
from prune.inference.needs import NEEDS
from prune.inference.runtimes import Called
from prune.models import loading
from prune.pipeline.experiment import Experiment
from prune.pipeline.serving import conversion_inputs
from prune.pipeline.shared_stages import DENSE
from prune.pipeline.stages import locked
from prune.results.layout import StageFolder
from prune.runtime.resources import writing
from prune.runtime.screen import Screen

_PACKAGES = ("prune", "torch", "transformers")
"""On whose versions an export depends, beside those of its format."""
_MADE_WITH = "made_with"


def dense_model(form: str, experiment: Experiment, *, with_decoder: bool, dtype: str = "float32") -> Called:
    """The dense model of a run as `form`, to be timed."""
    made, dense = FORMATS[form], DENSE.folder(experiment.config)
    inputs = conversion_inputs(made, experiment.examples, with_decoder=with_decoder)

    def export() -> Any:
        auto_class = experiment.networks.task.auto_class  # as transformers has it, without what the task adds
        return made.export(loading.finished_model(str(dense.model), auto_class).eval(), inputs)

    if made.opened is None:
        exported: Called = export()
        return exported
    kept, made_with = dense.exported(form), _made_with(form, dense, inputs)
    with locked(kept, experiment.screen):
        if not _is_kept(kept, made_with, experiment.screen):
            experiment.screen.stage("export", f"{made.label} of the dense model, kept for later exports: {kept.path}")
            kept.remove()
            with writing(kept.path):
                made.save(export(), kept.model)
                kept.finish({_MADE_WITH: made_with})
        return made.opened(kept.model, dtype)


def _made_with(form: str, dense: StageFolder, inputs: Inputs) -> dict[str, Any]:
    """All that an export of the dense model in the folder `dense` depends on."""
    versions = {name: version(name) for name in (*_PACKAGES, *NEEDS[form].packages)}
    return {"versions": versions, "inputs": sorted(inputs.batch), "dense": digest(dense.read_report())}


def _is_kept(folder: StageFolder, made_with: Mapping[str, Any], screen: Screen) -> bool:
    try:
        report = folder.read_report()
    except Damaged as error:
        screen.warn(f"{error}: the dense model is exported again")
        return False
    return report is not None and report.get(_MADE_WITH) == made_with
