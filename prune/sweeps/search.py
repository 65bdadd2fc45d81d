"""The objectives of a search: what each run reports to it, and what it found."""

from __future__ import annotations

from collections.abc import Sequence

from prune.config.schema import Objective, SearchConfig
from prune.results.record import Record

FAILED = -10.0
"""The objective of a failed run: less than any other."""


def directions(search: SearchConfig) -> str:
    """The directions of the objectives, as Optuna's sweeper takes them."""
    return "[maximize,maximize]" if search.objective is Objective.both else "maximize"


def worth(search: SearchConfig, record: Record | None) -> tuple[float, ...]:
    """The objectives of a run, higher is better; None: it failed.

    A run that does not count is worth less than nothing, the less the more is missing: so the search finds its way.
    """
    if record is None:
        return _asked(search, FAILED, FAILED)
    if missing := shortfall(search, record):
        return _asked(search, -missing, -missing)
    return _asked(search, *_objectives(record))


def shortfall(search: SearchConfig, record: Record) -> float:
    """How much is missing until a run counts, as fractions of what is asked for; 0: it counts."""
    missing = 0.0
    if search.min_speedup is not None:
        missing += max(0.0, 1 - record.speedup / search.min_speedup)
    if search.max_loss is not None:
        missing += max(0.0, _loss(record) - search.max_loss)
    return missing


def demands(search: SearchConfig) -> str:
    """What a run has to fulfil, as words."""
    asked = {"search.min_speedup": search.min_speedup, "search.max_loss": search.max_loss}
    return " ".join(f"{key}={value:g}" for key, value in asked.items() if value is not None)


def best(search: SearchConfig, records: Sequence[Record]) -> list[int]:
    """Which of the runs is the best of those that count; for both objectives all that no other beats, slowest first."""
    counted = [index for index, record in enumerate(records) if shortfall(search, record) == 0]
    values = {index: _asked(search, *_objectives(records[index])) for index in counted}
    unbeaten = [index for index in counted if not any(_beats(other, values[index]) for other in values.values())]
    front: dict[tuple[float, ...], int] = {}
    for index in unbeaten:
        front.setdefault(values[index], index)
    return sorted(front.values(), key=lambda index: records[index].speedup)


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))


def _objectives(record: Record) -> tuple[float, float]:
    return (record.value if record.higher_is_better else -record.value, record.speedup)


def _loss(record: Record) -> float:
    return -record.difference if record.higher_is_better else record.difference


def _asked(search: SearchConfig, metric: float, speedup: float) -> tuple[float, ...]:
    chosen = {Objective.metric: (metric,), Objective.speedup: (speedup,), Objective.both: (metric, speedup)}
    return chosen[search.objective]
