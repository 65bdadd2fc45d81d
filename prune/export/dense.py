"""The dense model in other formats, against which exports are timed: written once, and kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from torch import Tensor

from prune.config.identity import digest
from prune.export.formats import FORMATS
from prune.files.checksums import Damaged
from prune.models import loading
from prune.pipeline.experiment import Experiment
from prune.pipeline.shared_stages import DENSE
from prune.pipeline.stages import locked
from prune.results.layout import StageFolder
from prune.runtime.resources import writing
from prune.runtime.screen import Screen

_PACKAGES = ("prune", "torch", "transformers")
"""On whose versions an export depends, beside those of its format."""
_MADE_WITH = "made_with"


def dense_model(form: str, experiment: Experiment, batch: dict[str, Tensor]) -> Callable[..., Any]:
    """The dense model of a run as `form`, to be timed; `batch`: what it is traced with, where it has to be exported."""
    made, dense = FORMATS[form], DENSE.folder(experiment.config)

    def export() -> Any:
        auto_class = experiment.networks.task.auto_class  # as transformers has it, without what the task adds
        return made.export(loading.finished_model(str(dense.model), auto_class).eval(), batch)

    if made.opened is None:
        exported: Callable[..., Any] = export()
        return exported
    kept, made_with = dense.exported(form), _made_with(form, dense, batch)
    with locked(kept, experiment.screen):
        if not _is_kept(kept, made_with, experiment.screen):
            experiment.screen.stage("export", f"{made.label} of the dense model, kept for later exports: {kept.path}")
            kept.remove()
            with writing(kept.path):
                made.save(export(), kept.model)
                kept.finish({_MADE_WITH: made_with})
        return made.opened(kept.model)


def _made_with(form: str, dense: StageFolder, batch: dict[str, Tensor]) -> dict[str, Any]:
    """All that an export of the dense model in the folder `dense` depends on."""
    versions = {name: version(name) for name in (*_PACKAGES, *FORMATS[form].packages)}
    return {"versions": versions, "inputs": sorted(batch), "dense": digest(dense.read_report())}


def _is_kept(folder: StageFolder, made_with: Mapping[str, Any], screen: Screen) -> bool:
    try:
        report = folder.read_report()
    except Damaged as error:
        screen.warn(f"{error}: the dense model is exported again")
        return False
    return report is not None and report.get(_MADE_WITH) == made_with
