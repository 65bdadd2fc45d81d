"""Pruning at initialisation (Frankle et al. 2021, "Pruning neural networks at initialization: why are we missing the
mark?"): weights are scored before they are trained, or early in training, and removed; then the model is trained once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prune.config.schema import Config, Control
from prune.config.targets import given
from prune.criteria import of_weights
from prune.pipeline import sparse_settings
from prune.pipeline.method import Method
from prune.pipeline.shared_stages import DENSE, SparseReport, compaction, early_dense, result_stage
from prune.pipeline.stage import Stage

if TYPE_CHECKING:
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder

_SETTINGS = ("at", "iterations", "examples_per_class", "control", "pooler")
_READS = (
    *(f"method.{name}" for name in _SETTINGS),
    *sparse_settings.GRAINS_OF_SITES,
    *sparse_settings.SCHEDULE,
    "target",
)
_CONTROLS = (Control.shuffled, Control.inverted, Control.reinitialised, Control.layers_permuted)


def _result(config: Config) -> Stage:
    early = () if config.method.at == 0 else (early_dense("at"),)
    trained = Stage(
        "prune", "pruned", run=_prune, inputs=(DENSE, *early), reads=_READS, report=SparseReport,
        work=sparse_settings.work, shared=True,
    )  # fmt: skip
    return result_stage(config, compaction(sparse_settings.select, DENSE, trained))


def _prune(experiment: Experiment, folder: StageFolder, _dense: StageFolder, *early: StageFolder) -> Mapping[str, Any]:
    from prune.methods.at_initialization.removal import remove_and_train

    return remove_and_train(experiment, folder, early[0] if early else None)


def _setting(config: Config) -> str:
    density = ", ".join(f"{value:g}" for value in given(config)["density"])
    return sparse_settings.with_control(f"{config.method.criterion}, density {density}", config)


def _problems(config: Config) -> Iterator[str]:
    yield from sparse_settings.problems(config, _CONTROLS)
    yield from sparse_settings.problems_with_duration("at", config)


METHOD = Method(
    _result,
    criteria=lambda grain: of_weights() if grain.scattered else [],
    one_criterion=True,
    needs_target=True,
    has_budget=False,
    has_teacher=False,
    setting=_setting,
    problems=_problems,
    problems_with_model=sparse_settings.problems_with_labels,
    check=sparse_settings.check,
    reads=("criterion", *_SETTINGS),
)
