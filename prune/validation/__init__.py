"""Impossible values, found in the composed config before data or weights are touched, and reported all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prune.config.candidates import candidates_of, in_words
from prune.config.schema import Config
from prune.errors import ConfigErrors
from prune.validation import model, names, task, values

_FIRST = (values.bounds, values.forms, names.places)
_PARTS = (
    names.names, names.tracking, values.ranges, values.processes_share, values.method, values.shape, values.target,
    values.nothing, values.layers, values.tokens, values.length, values.runtime, values.rounding, task.fields_of_kind,
    task.teachers, task.whole_batches, values.durations, values.budget,
    values.reference, model.folders, model.family, model.tokens, model.own_shape,
)  # fmt: skip
_OF_FINISHED = (names.names, task.fields_of_kind, model.finished)
_WITH_TRANSFORMERS = (model.built,)
_WITH_TORCH = (model.scores, model.shape, model.blocks, model.of_method)


def check(config: Config) -> None:
    """Raises ConfigErrors with every problem that can be seen without data or weights.

    Values that are never allowed are reported alone. torch and transformers are loaded for the last two groups only,
    where all others have found nothing.
    """
    groups = (_FIRST, _PARTS, _WITH_TRANSFORMERS, _WITH_TORCH)
    _check(config, *groups)
    if not config.method.candidates:
        return
    try:
        candidates = candidates_of(config)
    except ValueError as error:
        raise ConfigErrors([f"method.candidates: {error}"]) from error
    for settings, candidate in zip(config.method.candidates, candidates, strict=True):
        try:
            _check(candidate, *groups)
        except ConfigErrors as error:
            said = in_words(settings)
            raise ConfigErrors(f"method.candidates: with {said}: {problem}" for problem in error.problems) from error


def check_finished(config: Config) -> None:
    """The same where the model in `model.path` is finished, and only scored."""
    _check(config, _FIRST, _OF_FINISHED)


def _check(config: Config, *groups: Sequence[Callable[[Config], Iterator[str]]]) -> None:
    for parts in groups:
        if problems := [problem for part in parts for problem in part(config)]:
            raise ConfigErrors(problems)
