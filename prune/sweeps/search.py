"""How a search rates each run, and which runs it found best."""

from __future__ import annotations

from collections.abc import Sequence

from prune.config.schema import Objective, SearchConfig
from prune.results.pareto import pareto_front
from prune.results.record import Record

FAILED = -10.0
"""The objective of a failed run: less than any other."""
_MOST_MISSING = -FAILED - 2


def directions(search: SearchConfig) -> str:
    """The directions of the objectives, as Optuna's sweeper takes them."""
    return "[maximize,maximize]" if search.objective is Objective.both else "maximize"


def objective_values(search: SearchConfig, record: Record | None) -> tuple[float, ...]:
    """The objectives of a run, higher is better; None: it failed.

    A run that does not count has less than -1, the less the more is missing, which guides the search.
    """
    if record is None:
        return _asked(search, FAILED, FAILED)
    if missing := min(shortfall(search, record), _MOST_MISSING):
        return _asked(search, -1 - missing, -1 - missing)
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
    """What a run must achieve to count, as words of the command line."""
    asked = {"search.min_speedup": search.min_speedup, "search.max_loss": search.max_loss}
    return " ".join(f"{key}={value:g}" for key, value in asked.items() if value is not None)


def best(search: SearchConfig, records: Sequence[Record]) -> list[int]:
    """Which of the runs is the best of those that count; for both objectives all that no other beats, slowest first.

    Of equal runs the first.
    """
    counted = [index for index, record in enumerate(records) if shortfall(search, record) == 0]
    values = [_asked(search, *_objectives(records[index])) for index in counted]
    front = pareto_front([(objectives[0], objectives[-1]) for objectives in values])
    first = {values[number]: counted[number] for number in reversed(front)}
    return sorted(first.values(), key=lambda index: records[index].speedup)


def _objectives(record: Record) -> tuple[float, float]:
    """Metric and speed-up. An error, of which less is better, is mapped to (0, 1], above what does not count."""
    value = record.value if record.higher_is_better else 1 / (1 + max(0.0, record.value))
    return value, record.speedup


def _loss(record: Record) -> float:
    return -record.spec.gain(record.difference)


def _asked(search: SearchConfig, metric: float, speedup: float) -> tuple[float, ...]:
    chosen = {Objective.metric: (metric,), Objective.speedup: (speedup,), Objective.both: (metric, speedup)}
    return chosen[search.objective]
