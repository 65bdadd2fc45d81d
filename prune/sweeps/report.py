"""What a sweep says at its end, beside the table."""

from __future__ import annotations

from prune.config.schema import SearchConfig
from prune.results.record import Record
from prune.runtime.screen import Screen
from prune.runtime.wording import times_faster
from prune.sweeps import search
from prune.sweeps.jobs import Note
from prune.sweeps.sweep import Result


def report(result: Result, screen: Screen) -> bool:
    """Tells what failed and why, what is left and what a search found. Returns whether all is well."""
    finished, failed = result.finished, result.failed
    for note in failed:
        screen.warn(f"{note.label}: {note.reason}")
        if note.details:
            screen.say(f"           more: {note.details}")
        screen.say(f"          again: {note.command}")
    if result.left:
        counted = {label: result.left.count(label) for label in result.left}
        listed = [f"{count} {label}" if count > 1 else label for label, count in counted.items()]
        screen.say("left:\n  " + "\n  ".join(listed))
    screen.say(f"{len(finished)} finished, {len(failed)} failed, {len(result.left)} left")
    if result.sought is None:
        return not failed
    return _found(result.sought, finished, screen)


def _found(sought: SearchConfig, finished: list[tuple[Note, Record]], screen: Screen) -> bool:
    best = search.best(sought, [record for _, record in finished])
    if not best:
        screen.warn(f"no run counts: {search.demands(sought)}")
    for index in best:
        note, record = finished[index]
        screen.say(
            f"best: {note.label}  {record.metric} {record.spec.format_value(record.value)} "
            f"({record.spec.format_difference(record.difference)}), {times_faster(record.speedup)}\n"
            f"      {note.command}"
        )
    return bool(best)
