"""A dense model that all rows of its task are relative to, instead of each to that of its own run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prune.errors import UserError
from prune.results.record import Record
from prune.results.rows import Base, Spread, dense_models, grouped, own
from prune.runtime.registry import nearest


@dataclass(frozen=True)
class Reference:
    """One fine-tuning of a model, over its seeds."""

    linear_params: int
    value: float
    fine_tuning: str
    """As the records of its runs name it."""
    times: dict[tuple[Any, ...], float]
    """What a batch was and was timed on -> milliseconds, the median over all runs of the model, however fine-tuned."""


def relative_to(name: str, everything: Sequence[Record], chosen: Sequence[Record]) -> Callable[[Record], Base]:
    """What the columns of the `chosen` records are relative to: the dense model `name`, on the same task and examples.

    Of several fine-tunings of that model, the best.

    Raises:
        UserError: if `everything` holds no run of that model for one of the tasks, or none that was timed like theirs.
    """
    there = grouped(everything, _scored_on)
    references = {key: _reference(name, there[key]) for key in dict.fromkeys(map(_scored_on, chosen))}

    def is_its_own(record: Record) -> bool:
        return record.model == name and record.fine_tuning == references[_scored_on(record)].fine_tuning

    def base(record: Record) -> Base:
        reference = references[_scored_on(record)]
        if is_its_own(record):
            return own(record)
        speed = record.speed[-1]
        known, time = reference.times.get(_batch(record, speed)), speed.get("dense_ms")
        return Base(reference.linear_params, reference.value, known / time if known and time else None)

    for key, records in grouped((one for one in chosen if not is_its_own(one)), _scored_on).items():
        if all(base(record).times_faster is None for record in records):
            raise _not_timed(name, records[0], references[key])
    return base


def _scored_on(record: Record) -> tuple[Any, ...]:
    """Values of the metric can be compared where this is equal."""
    num_examples = record.num_examples.get(next(iter(record.scores), ""))
    return record.task, record.task_version, record.metric, record.higher_is_better, num_examples


def _batch(record: Record, speed: dict[str, Any]) -> tuple[Any, ...]:
    return speed["batch_size"], speed.get("length"), record.measured_on


def _reference(name: str, records: list[Record]) -> Reference:
    found = grouped((record for record in records if record.model == name), lambda record: record.fine_tuning)
    if not found:
        task, _, metric, _, num_examples = _scored_on(records[0])
        known = sorted({record.model for record in records})
        raise UserError(
            f"reference={name}: there is no run of that model on {task} ({metric} of {num_examples} examples)"
            f"{nearest(name, known)}. There: {', '.join(known)}"
        )
    values = {name: Spread.over(r.dense_value for r in dense_models(runs)).mean for name, runs in found.items()}
    best = max(values, key=lambda name: values[name] * (1 if records[0].higher_is_better else -1))
    dense = found[best][0]
    alike = [record for runs in found.values() for record in runs if record.dense_params == dense.dense_params]
    return Reference(dense.dense_linear_params, values[best], best, _times(alike))


def _times(records: list[Record]) -> dict[tuple[Any, ...], float]:
    timed = [(_batch(record, speed), speed) for record in records for speed in record.speed if "dense_ms" in speed]
    return {
        batch: statistics.median(speed["dense_ms"] for _, speed in alike)
        for batch, alike in grouped(timed, lambda one: one[0]).items()
    }


def _not_timed(name: str, record: Record, reference: Reference) -> UserError:
    there = "; ".join(sorted(map(_shown, reference.times))) or "no time of it"
    return UserError(
        f"reference={name}: on {record.task} it was not timed as {record.model} was, at "
        f"{_shown(_batch(record, record.speed[-1]))}. There: {there}. Prune it with evaluate.speed.batch_sizes and "
        "evaluate.speed.length set to the same, on the same hardware"
    )


def _shown(batch: Any) -> str:
    size, length, measured_on = batch
    return f"batch {size} x {length} tokens on {measured_on or 'unknown hardware'}"
