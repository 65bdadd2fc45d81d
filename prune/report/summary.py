"""A run in words and tables, as the page tells it."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prune.config.identity import NOT_SETTINGS
from prune.recipes.library import PLACES
from prune.report.detail import Detail
from prune.results.layout import RunFolder
from prune.results.record import Record
from prune.results.rows import flat

_PLACES = "|".join(map(re.escape, PLACES))


@dataclass(frozen=True)
class ToldRun:
    """One run; of one that is not finished, most is empty."""

    folder: str
    """Relative to the folder of the report."""
    title: str
    task: str = ""
    seed: int = 0
    facts: list[tuple[str, str]] = field(default_factory=list)
    scores: list[tuple[str, ...]] = field(default_factory=list)
    """Split, metric, value, dense value, difference."""
    speed: list[dict[str, Any]] = field(default_factory=list)
    generation: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    """Those that the runs of the report differ in."""
    varied: list[str] = field(default_factory=list)
    """Those of them that the runs of the same task and model differ in."""
    warnings: list[str] = field(default_factory=list)
    finished: bool = True


def told_runs(records: Mapping[Path, Record]) -> list[ToldRun]:
    """All of them, in their order."""
    settings = [_settings(record.config) for record in records.values()]
    differing = _differing(settings)
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for record, one in zip(records.values(), settings, strict=True):
        groups[record.task, record.model].append(one)
    varied = {group: _differing(alike) for group, alike in groups.items()}
    return [
        _told(folder, record, {key: one[key] for key in differing if key in one}, varied[record.task, record.model])
        for (folder, record), one in zip(records.items(), settings, strict=True)
    ]


def told_unfinished(folder: Path, detail: Detail) -> ToldRun:
    """A run without a record: killed, or still going on."""
    done = ", ".join(stage.name for stage in detail.stages if stage.seconds is not None) or "none of its own"
    facts = [("finished stages", done), ("to go on", "give the same command again")]
    return ToldRun(folder.as_posix(), "/".join(folder.parts[-5:]), facts=facts, finished=False)


def again(recipe: str, folder: Path) -> str:
    """The command that repeats the run in `folder`, asking for folders as its recipe does; empty without a recipe."""
    asked = re.search(rf"^# prune recipe=<path of this file>((?: (?:{_PLACES})=<folder>)*)$", recipe, re.MULTILINE)
    file = shlex.quote(RunFolder(folder).recipe.as_posix())
    return f"prune recipe={file}{asked[1] if asked else ''}" if recipe else ""


def _told(folder: Path, record: Record, settings: dict[str, str], varied: list[str]) -> ToldRun:
    return ToldRun(
        folder=folder.as_posix(),
        title=f"{record.method}, {record.setting}",
        task=record.task,
        seed=record.seed,
        facts=list(_facts(record)),
        scores=list(_scores(record)),
        speed=record.speed,
        generation=record.generation,
        settings=settings,
        varied=[key for key in varied if key in settings],
        warnings=record.warnings,
    )


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    machine = record.environment
    yield "task, model, seed", f"{record.task}, {record.model}, {record.seed}"
    yield (
        record.metric,
        f"{100 * record.value:.2f}, dense {100 * record.dense_value:.2f}, {100 * record.difference:+.2f} points",
    )
    yield (
        record.baseline,
        f"{100 * record.chance:.2f}" + (" (the result is no better)" if record.is_chance(record.value) else ""),
    )
    last = record.speed[-1]
    yield "speed-up", f"{record.speedup:.2f} times as fast, multiply-adds say {last['speedup_theoretical']:.2f}"
    yield "measured on", f"batch {last['batch_size']} x {last['length']} tokens, {record.measured_on}"
    yield "density", f"{record.linear_density:.3f}, before the fill {record.linear_density_before_fill:.3f}"
    yield "prunable weights", _share(record.linear_params, record.dense_linear_params, "{:,.0f}")
    yield "parameters", _share(record.params, record.dense_params, "{:,.0f}")
    yield "size on disk", _share(record.bytes / 1e6, record.dense_bytes / 1e6, "{:.1f} MB")
    yield "heads, dimensions kept", f"{sum(record.heads_kept)}, {sum(record.dimensions_kept)}"
    yield "change by compaction", f"{record.largest_logit_difference:.1e} of the logits' size"
    yield "examples", ", ".join(f"{split} {number:,}" for split, number in record.num_examples.items())
    packages = machine.get("packages", {})
    yield (
        "versions",
        ", ".join(f"{name} {packages[name]}" for name in ("prune", "torch", "transformers") if name in packages),
    )
    yield "commit", str(machine.get("commit"))


def _share(left: float, whole: float, form: str) -> str:
    return f"{form.format(left)} of {form.format(whole)} ({100 * left / whole:.0f}\N{NO-BREAK SPACE}%)"


def _scores(record: Record) -> Iterator[tuple[str, ...]]:
    for split, metrics in record.scores.items():
        for metric, value in metrics.items():
            dense = record.dense_scores.get(split, {}).get(metric)
            told = ("", "") if dense is None else (f"{100 * dense:.2f}", f"{100 * (value - dense):+.2f}")
            yield split, metric, f"{100 * value:.2f}", *told


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    return flat({key: value for key, value in config.items() if key not in NOT_SETTINGS})


def _differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    keys = list(dict.fromkeys(key for one in settings for key in one))
    return [key for key in keys if len({one.get(key) for one in settings}) > 1]
