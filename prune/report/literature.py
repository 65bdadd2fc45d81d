"""What others published, as points beside one's own: the networks of nn_pruning, and models that were distilled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prune import published

_ON = "RTX 3090, float32"
_REFERENCE = "BERT-base"


@dataclass(frozen=True)
class PublishedPoint:
    """One published result; figures in points, and as in `prune.report.frontier.COSTS` what is known of them."""

    task: str
    label: str
    figures: dict[str, float]
    facts: tuple[tuple[str, str], ...]


def published_points() -> Iterator[PublishedPoint]:
    """All of them. Differences are those to BERT-base, as are the speed-ups."""
    comparators: list[Any] = getattr(published, "comparators", list)()
    references = {one.task: _main(one.scores) for one in comparators if one.name == _REFERENCE}
    for one in published.networks():
        figures = {"value": one.metric, "speedup": one.speedup, "density": one.linear_density}
        yield _point(one.task, f"{one.name} ({one.method}, {one.base})", figures, references)
    for one in comparators:
        yield _point(one.task, one.name, {"value": _main(one.scores), "speedup": one.speedup}, references)


def _point(task: str, label: str, figures: dict[str, float], references: dict[str, float]) -> PublishedPoint:
    facts = [("metric", f"{figures['value']:.2f}"), ("speed-up", f"{figures['speedup']:.2f} times")]
    if task in references:
        figures["difference"] = figures["value"] - references[task]
        facts.insert(1, ("against BERT-base", f"{figures['difference']:+.2f} points"))
    if "density" in figures:
        facts.append(("density", f"{figures['density']:.3f}"))
    facts.append(("published, measured on", f"{_ON}, relative to {_REFERENCE}"))
    return PublishedPoint(task, label, figures, tuple(facts))


def _main(scores: dict[str, dict[str, float]]) -> float:
    """The main metric, which stands first."""
    return next(iter(next(iter(scores.values())).values()))
