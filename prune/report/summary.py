"""A run as facts and tables, for the page and the terminal."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prune.config.identity import NOT_SETTINGS
from prune.recipes.library import PLACES
from prune.report.detail.run import Detail
from prune.results.layout import RunFolder
from prune.results.probes import CHANCE
from prune.results.record import Record
from prune.results.settings import differing, flat_settings
from prune.results.unfinished import GOING_ON, INTERRUPTED, Status
from prune.runtime.sanitize import one_line
from prune.runtime.wording import batch_in_words
from prune.tasks.metrics.specs import MetricSpec, spec_of

_PLACES = "|".join(map(re.escape, PLACES))


@dataclass(frozen=True)
class RunSummary:
    """One run; of one that is not finished, most is empty."""

    folder: str
    """Relative to the folder of the report, without control characters."""
    title: str
    task: str = ""
    model: str = ""
    seed: int = 0
    facts: list[tuple[str, str]] = field(default_factory=list)
    scores: list[tuple[str, ...]] = field(default_factory=list)
    """Split, metric, value, dense value, difference."""
    speed: list[dict[str, Any]] = field(default_factory=list)
    generation: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    """Those in which the runs of the report differ."""
    varied: list[str] = field(default_factory=list)
    """Names of those in which the runs of the same task and model differ."""
    warnings: list[str] = field(default_factory=list)
    status: str = ""
    """Why it has no result; empty of one that is finished."""


def summaries_of(records: Mapping[Path, Record]) -> list[RunSummary]:
    """All of them, in their order."""
    settings = [_settings(record.config) for record in records.values()]
    distinguishing = differing(settings)
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for record, own in zip(records.values(), settings, strict=True):
        groups[record.task, record.model].append(own)
    varied = {group: differing(comparable) for group, comparable in groups.items()}
    return [
        _summary(
            folder, record, {key: own[key] for key in distinguishing if key in own}, varied[record.task, record.model]
        )
        for (folder, record), own in zip(records.items(), settings, strict=True)
    ]


def summary_of_unfinished(folder: Path, detail: Detail, status: Status) -> RunSummary:
    """A run without a record."""
    done = ", ".join(stage.name for stage in detail.stages if stage.seconds is not None) or "none of its own"
    facts = [("finished stages", done)]
    if status.state != GOING_ON:
        mended = "" if status.state == INTERRUPTED else "mend the cause and "
        facts.append(("to go on", f"{mended}give the same command again"))
    name = one_line(folder.as_posix())
    return RunSummary(name, "/".join(name.split("/")[-5:]), facts=facts, status=str(status))


def repeat_command(recipe: str, folder: Path) -> str:
    """The command that repeats the run in `folder`, with its recipe's placeholders for the user's own folders; empty
    without a recipe."""
    asked = re.search(rf"^# prune recipe=<path of this file>((?: (?:{_PLACES})=<folder>)*)$", recipe, re.MULTILINE)
    file = shlex.quote(RunFolder(folder).recipe.as_posix())
    return f"prune recipe={file}{asked[1] if asked else ''}" if recipe else ""


def _summary(folder: Path, record: Record, settings: dict[str, str], varied: list[str]) -> RunSummary:
    return RunSummary(
        folder=one_line(folder.as_posix()),
        title=f"{record.method}, {record.setting}",
        task=record.task,
        model=record.model,
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
    spec = record.spec
    yield "task, model, seed", f"{record.task}, {record.model}, {record.seed}"
    value, dense, chance = map(spec.format_value, (record.value, record.dense_value, record.chance))
    yield spec.title, f"{value}, dense {dense}, {spec.format_difference(record.difference, in_words=True)}"
    for split, metrics in record.scores_before_training.items():
        if record.metric in metrics:
            yield "before its training", f"{spec.format_value(metrics[record.metric])}, {split}"
    yield record.baseline, chance + (" (the result is no better)" if record.is_chance(record.value) else "")
    last = record.speed[-1]
    yield "speed-up", f"{record.speedup:.2f} times as fast, multiply-adds say {last['speedup_theoretical']:.2f}"
    if (over := last.get("speedup_over_eager")) is not None:
        yield "over eager", f"{over:.2f} times as fast as the dense model in PyTorch's eager mode, in float32"
    yield "measured on", f"batch {batch_in_words(last)}, {record.measured_on}"
    yield "density", f"{record.linear_density:.3f}, before the fill {record.linear_density_before_fill:.3f}"
    yield "prunable weights", _share(record.linear_params, record.dense_linear_params, "{:,.0f}")
    yield "parameters", _share(record.params, record.dense_params, "{:,.0f}")
    yield "size on disk", _share(record.bytes / 1e6, record.dense_bytes / 1e6, "{:.1f} MB")
    yield "heads, dimensions kept", f"{sum(record.heads_kept)}, {sum(record.dimensions_kept)}"
    yield "change by compaction", f"{record.largest_logit_difference:.1e} of the logits' size"
    if record.training_flops is not None:
        parts = (f"{stage} {took.get('flops', 0.0):.3g}" for stage, took in record.training.items())
        yield "training compute", f"{record.training_flops:.4g} floating-point operations: {', '.join(parts)}"
    yield "examples", ", ".join(f"{split} {number:,}" for split, number in record.num_examples.items())
    packages = record.environment.get("packages", {})
    yield (
        "versions",
        ", ".join(f"{name} {packages[name]}" for name in ("prune", "torch", "transformers") if name in packages),
    )
    yield "commit", str(record.environment.get("commit"))


def _share(left: float, whole: float, form: str) -> str:
    return f"{form.format(left)} of {form.format(whole)} ({100 * left / whole:.0f}\N{NO-BREAK SPACE}%)"


def _scores(record: Record) -> Iterator[tuple[str, ...]]:
    """Of each evaluation split and metric, then of each probe and its groups: pruned, dense, difference."""
    for split, metrics in record.scores.items():
        for metric, value in metrics.items():
            yield _compared(split, spec_of(metric), value, record.dense_scores.get(split, {}).get(metric))
    for probe, scores in record.probes.items():
        dense = record.dense_probes.get(probe, {})
        for group, value in scores.items():
            if group != CHANCE:
                yield _compared(probe, MetricSpec(group), value, dense.get(group))


def _compared(what: str, spec: MetricSpec, value: float, dense: float | None) -> tuple[str, ...]:
    against = ("", "") if dense is None else (spec.format_value(dense), spec.format_difference(value - dense))
    return what, spec.title, spec.format_value(value), *against


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    return flat_settings({key: value for key, value in config.items() if key not in NOT_SETTINGS})
