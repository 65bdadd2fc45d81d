"""Impossible values, found in the composed config before data or weights are touched, and reported all together."""

from __future__ import annotations

from prune.checks import model, names, task, values
from prune.config import Config
from prune.errors import ConfigErrors
from prune.reference import problems_of

_PARTS = (
    names.names, names.tracking, values.ranges, values.processes_share, values.target, values.nothing, values.layers,
    values.rounding, task.fields_of_kind, values.durations, model.folders, model.family,
)  # fmt: skip
_WITH_TORCH = (model.scores, model.blocks)


def check(config: Config) -> None:
    """Raises ConfigErrors with every problem that can be seen without data or weights.

    torch and transformers are loaded for the last two checks only, where all others have found nothing.
    """
    problems = [problem for part in _PARTS for problem in part(config)] + list(problems_of(config.reference))
    if not problems:
        problems = [problem for part in _WITH_TORCH for problem in part(config)]
    if problems:
        raise ConfigErrors(problems)
