"""Lottery tickets: rounds of training, pruning and rewinding (Frankle and Carbin 2019; Chen et al. 2020).

A round takes the model that the one before has trained (the first one the dense model), removes what scores lowest,
rewinds the weights that are left, and trains them. A control changes the mask of the ticket, or the weights under it,
in the last round alone, so that it shares all earlier rounds with the ticket; but the inverted criterion, whose rounds
are its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from prune.config.schema import Config, Control
from prune.criteria import of_units, of_weights
from prune.masking.grains import Grain
from prune.methods.lottery_ticket.settings import LEARNING_RATE, NOWHERE, PRETRAINED, problems, rounds_of, setting
from prune.pipeline import sparse_settings
from prune.pipeline.method import Method, Run
from prune.pipeline.shared_stages import DENSE, SparseReport, compaction, early_dense, result_stage
from prune.pipeline.stage import Stage

if TYPE_CHECKING:
    from prune.pipeline.experiment import Experiment
    from prune.results.layout import StageFolder

_OF_ROUNDS = ("rate", "rate_of", "rewind", "examples_per_class", "pooler", "importance_examples")
_READS = (*(f"method.{name}" for name in _OF_ROUNDS), *sparse_settings.GRAINS_OF_SITES, *sparse_settings.SCHEDULE)


def _criteria(grain: Grain) -> list[str]:
    if grain.whole_units:
        return of_units()
    return of_weights() if grain.scattered else []


def _runs(config: Config) -> Iterator[Run]:
    """A run for each round whose result is asked for."""
    rounds = rounds_of(config)
    for number in rounds:
        one = replace(config, method=replace(config.method, rounds=[number]))
        yield one, [f"method.rounds=[{number}]"] if len(rounds) > 1 else []


def _result(config: Config) -> Stage:
    last, control = rounds_of(config)[-1], config.method.control
    from_start = config.method.rewind in (PRETRAINED, LEARNING_RATE, NOWHERE)
    rewound, latest = () if from_start else (early_dense("rewind"),), DENSE
    for number in range(1, last + 1):
        changed = control is Control.inverted or (number == last and control is not Control.none)
        latest = Stage(
            f"round_{number}", "tickets", run=partial(_train, number, changed), inputs=(DENSE, *rewound, latest),
            reads=(*_READS, *(("method.control",) if changed else ())), report=SparseReport,
            work=sparse_settings.work, shared=True,
        )  # fmt: skip
    return result_stage(config, compaction(sparse_settings.select, DENSE, latest))


def _train(
    number: int, changed: bool, experiment: Experiment, folder: StageFolder, _dense: StageFolder, *given: StageFolder
) -> Mapping[str, Any]:
    from prune.methods.lottery_ticket.rounds import train_round

    *rewound, latest = given
    return train_round(experiment, folder, number, rewound[0] if rewound else None, latest, changed=changed)


METHOD = Method(
    _result,
    criteria=_criteria,
    one_criterion=True,
    takes_target=False,
    has_teacher=False,
    setting=setting,
    runs=_runs,
    problems=problems,
    problems_with_model=sparse_settings.problems_with_labels,
    check=sparse_settings.check,
    reads=("criterion", "rounds", "rate", "rate_of", "rewind", "examples_per_class", "control", "pooler"),
)
