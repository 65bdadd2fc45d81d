"""What a record gives reason to remark upon: chance level, time that was not gained, targets that are missed."""

from __future__ import annotations

from collections.abc import Iterator

from prune.config.schema import SpeedReference
from prune.config.targets import TIMES
from prune.measure.contention import MOST_WAITED
from prune.results.record import Record
from prune.runtime.wording import batch_in_words, counted, times_faster

_FAR_BEHIND = 0.6
"""A measured speed-up below this share of the theoretical one is remarked upon."""


def remarks_on(record: Record) -> list[str]:
    """Each in a sentence."""
    return [*_chance(record), *_far_behind(record), *_disturbed(record), *_missed(record), *_cut(record)]


def _chance(record: Record) -> Iterator[str]:
    for name, scores in (("the dense model", record.dense_scores), ("the pruned model", record.scores)):
        value = next(iter(scores.values()))[record.metric]
        if record.is_chance(value):
            yield (
                f"{name} is at chance level: {record.metric} {record.spec.format_value(value)}, {record.baseline} has "
                f"{record.spec.format_value(record.chance)}"
            )


def _far_behind(record: Record) -> Iterator[str]:
    for speed in record.speed:
        measured, promised = speed["speedup"], speed["speedup_theoretical"]
        if measured < _FAR_BEHIND * promised:
            yield (
                f"at batch {batch_in_words(speed)} the model is {times_faster(measured)}, "
                f"far behind the {promised:.2f} times of its multiply-adds"
                + (
                    ": its zeros are scattered, and a dense matrix product does not skip them"
                    if record.linear_density < 0.9 * record.linear_params / record.dense_linear_params
                    else ": what is left is bound by overhead, not by arithmetic"
                )
            )


def _disturbed(record: Record) -> Iterator[str]:
    """Speeds that tell of other work."""
    for speed in record.speed:
        if (waited := speed.get("waited", 0.0)) > MOST_WAITED:
            yield (
                f"at batch {batch_in_words(speed)} the speed-up was measured while other work took the cores: the "
                f"process waited for one {waited:.0%} of the time. `prune measure <folder of the run>` measures again"
            )


def _missed(record: Record) -> Iterator[str]:
    """A target of speed that the record's own measurement does not confirm."""
    for kind, value in (record.config.get("target") or {}).items():
        if value is None or kind not in TIMES:
            continue
        last = record.speed[-1]
        measured = _over_reference(record) if kind == "speedup" else last["model_ms"]
        if measured < value if kind == "speedup" else measured > value:
            yield (
                f"target.{kind}={value:g} is missed: {measured:.2f} at batch {batch_in_words(last)}. "
                "Where something else was running, `prune measure <folder of the run>` measures again"
            )


def _over_reference(record: Record) -> float:
    """The speed-up that a target asked for."""
    reference = record.config.get("evaluate", {}).get("speed", {}).get("reference")
    over = record.speedup_over_eager if reference == SpeedReference.torch else None
    return record.speedup if over is None else over


def _cut(record: Record) -> Iterator[str]:
    if any(cut := record.num_truncated.values()):
        yield f"{counted(sum(cut), 'input')} longer than task.max_length: cut"
