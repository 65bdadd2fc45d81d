"""Training under the mask of another run, of this task or another one: tickets carried over (Chen et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prune.config.schema import Config, Control
from prune.criteria import of_weights
from prune.errors import UserError
from prune.files import strict_json
from prune.files.checksums import Damaged
from prune.files.paths import last_part, locate
from prune.methods.fixed_mask.source import model_folder
from prune.pipeline import sparse_settings
from prune.pipeline.method import Method
from prune.pipeline.shared_stages import DENSE, SparseReport, compaction, result_stage
from prune.pipeline.stage import Stage
from prune.results.layout import ORIGIN
from prune.results.typed import is_name
from prune.runtime.sanitize import shown

if TYPE_CHECKING:
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder

_SETTINGS = ("mask", "control", "pooler")
_GRAINS = tuple(key for key in sparse_settings.GRAINS_OF_SITES if key.endswith("grain"))
_READS = (*(f"method.{name}" for name in _SETTINGS), *_GRAINS, *sparse_settings.SCHEDULE)
_CONTROLS = (Control.random, Control.shuffled, Control.reinitialised, Control.layers_permuted)


@dataclass(frozen=True)
class MaskReport(SparseReport):
    """What is said of a training under a mask that is given."""

    mask: str = ""
    """A hash of the mask."""


def _train(experiment: Experiment, folder: StageFolder, _dense: StageFolder) -> Mapping[str, Any]:
    from prune.methods.fixed_mask.training import train

    return train(experiment, folder)


_TRAINED = Stage(
    "prune", "pruned", run=_train, inputs=(DENSE,), reads=_READS, report=MaskReport, work=sparse_settings.work,
    shared=True,
)  # fmt: skip


def _result(config: Config) -> Stage:
    return result_stage(config, compaction(sparse_settings.select, DENSE, _TRAINED))


def _setting(config: Config) -> str:
    return sparse_settings.with_control(f"mask of {_origin(config.method.mask)}", config)


def _origin(mask: str) -> str:
    """The run that a mask is of, as far as the files beside its model tell."""
    folder = model_folder(mask)
    try:
        told = strict_json.read(folder / ORIGIN) if folder else {}
    except (FileNotFoundError, UserError):
        told = {}
    parts = [told.get(key) for key in ("task", "method")]
    named = ", ".join(part for part in parts if isinstance(part, str))
    return named if is_name(named) and named else last_part(mask)


def _check(experiment: Experiment) -> None:
    """That the mask removes something, and is the one that the training there was under, if it is finished."""
    from prune.methods.fixed_mask.training import digest_of, mask_of_run

    sparse_settings.check(experiment)
    given, folder = digest_of(mask_of_run(experiment)), _TRAINED.folder(experiment.config)
    try:
        trained = _TRAINED.read(folder)
    except Damaged:  # it is carried out again, which the stage tells
        return
    if isinstance(trained, MaskReport) and trained.mask != given and not experiment.config.force:
        raise UserError(
            f"{folder.path} was trained under another mask than is at method.mask={experiment.config.method.mask} now: "
            "remove that folder, or say force=true"
        )


def _problems(config: Config) -> Iterator[str]:
    mask = config.method.mask
    if not mask:
        yield "method.mask is empty: name the folder of a finished run, as in method.mask=outputs/.../seed_0"
    elif mask in of_weights():
        yield (
            f"method.mask={mask}: names a criterion, no run; method=at_initialization method.criterion={mask} "
            "target.density=0.3 finds such a mask, and trains under it"
        )
    elif model_folder(mask) is None:
        yield f"method.mask={shown(mask)}: no folder of a finished run, and none of a model, is there"
    yield from sparse_settings.problems(config, _CONTROLS)


def _problems_with_model(config: Config) -> Iterator[str]:
    """Of a model that is here; one on the hub is compared when it is read."""
    from prune.methods.fixed_mask.training import mismatch

    folder = model_folder(config.method.mask)
    if folder is None or locate(config.model.path) is None:
        return
    try:
        problem = mismatch(config, folder)
    except UserError as error:
        problem = f"method.mask={shown(config.method.mask)}: {error}"
    if problem is not None:
        yield problem


METHOD = Method(
    _result,
    criteria=lambda grain: [""] if grain.scattered else [],
    takes_target=False,
    has_teacher=False,
    setting=_setting,
    problems=_problems,
    problems_with_model=_problems_with_model,
    check=_check,
    reads=_SETTINGS,
)
