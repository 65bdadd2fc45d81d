"""A dense model that all rows of its task are relative to, instead of each to that of its own run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prune.errors import UserError
from prune.results.record import Record
from prune.results.rows import Reference, Spread, dense_models, grouped, own_dense_model
from prune.runtime.registry import nearest
from prune.runtime.wording import batch_in_words


@dataclass(frozen=True)
class FineTuning:
    """One fine-tuning of a dense model, over its seeds."""

    linear_params: int
    value: float
    identity: str
    """`Record.fine_tuning` of its runs."""
    times: dict[tuple[Any, ...], float]
    """Shape of a batch and hardware -> milliseconds, the median over all runs of the model, however fine-tuned."""


def relative_to(name: str, everything: Sequence[Record], chosen: Sequence[Record]) -> Callable[[Record], Reference]:
    """What the columns of the `chosen` records are relative to: the dense model `name`, on the same task and examples.

    Of several fine-tunings of that model, the best.

    Raises:
        UserError: if `everything` holds no run of that model for one of the tasks, or none that was timed like theirs.
    """
    comparable = grouped(everything, _scored_on)
    references = {key: _best_fine_tuning(name, comparable[key]) for key in dict.fromkeys(map(_scored_on, chosen))}

    def is_its_own(record: Record) -> bool:
        return record.model == name and record.fine_tuning == references[_scored_on(record)].identity

    def reference_of(record: Record) -> Reference:
        if is_its_own(record):
            return own_dense_model(record)
        dense, speed = references[_scored_on(record)], record.speed[-1]
        time, own_time = dense.times.get(_batch(record, speed)), speed.get("dense_ms")
        return Reference(dense.linear_params, dense.value, time / own_time if time and own_time else None)

    for key, records in grouped((record for record in chosen if not is_its_own(record)), _scored_on).items():
        if all(reference_of(record).relative_time is None for record in records):
            raise _not_timed(name, records[0], references[key])
    return reference_of


def _scored_on(record: Record) -> tuple[Any, ...]:
    """Values of the metric can be compared where this is equal."""
    num_examples = record.num_examples.get(next(iter(record.scores), ""))
    return record.task, record.task_version, record.metric, record.higher_is_better, num_examples


def _batch(record: Record, speed: dict[str, Any]) -> tuple[Any, ...]:
    return speed["batch_size"], speed.get("length"), bool(speed.get("real")), record.measured_on


def _best_fine_tuning(name: str, records: list[Record]) -> FineTuning:
    fine_tunings = grouped((record for record in records if record.model == name), lambda record: record.fine_tuning)
    if not fine_tunings:
        task, _, metric, _, num_examples = _scored_on(records[0])
        known = sorted({record.model for record in records})
        raise UserError(
            f"reference={name}: there is no run of that model on {task} ({metric} of {num_examples} examples)"
            f"{nearest(name, known)}. There: {', '.join(known)}"
        )
    values = {
        identity: Spread.over(record.dense_value for record in dense_models(runs)).mean
        for identity, runs in fine_tunings.items()
    }
    best = max(values, key=lambda identity: records[0].spec.gain(values[identity]))
    dense = fine_tunings[best][0]
    same_size = [
        record for runs in fine_tunings.values() for record in runs if record.dense_params == dense.dense_params
    ]
    return FineTuning(dense.dense_linear_params, values[best], best, _times(same_size))


def _times(records: list[Record]) -> dict[tuple[Any, ...], float]:
    timings = [
        (_batch(record, speed), speed["dense_ms"])
        for record in records
        for speed in record.speed
        if "dense_ms" in speed
    ]
    return {
        batch: statistics.median(time for _, time in of_batch)
        for batch, of_batch in grouped(timings, lambda timing: timing[0]).items()
    }


def _not_timed(name: str, record: Record, reference: FineTuning) -> UserError:
    timed = "; ".join(sorted(map(_in_words, reference.times))) or "no time of it"
    return UserError(
        f"reference={name}: on {record.task} it was not timed as {record.model} was, at "
        f"{_in_words(_batch(record, record.speed[-1]))}. There: {timed}. Prune it with evaluate.speed.batch_sizes and "
        "evaluate.speed.length set to the same, on the same hardware"
    )


def _in_words(batch: Any) -> str:
    size, length, real, measured_on = batch
    shape = batch_in_words({"batch_size": size, "length": length, "real": real})
    return f"batch {shape} on {measured_on or 'unknown hardware'}"
