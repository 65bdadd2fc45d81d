"""All figures of one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prune.report.detail.run import Detail
from prune.report.figures import Figure, latency, maps, training, units
from prune.report.figures.theme import Colors
from prune.results.record import Record

_SITES = {"attention": "Heads", "feed_forward": "Inner dimensions"}
MAPS = "maps"


def kinds(colors: Colors) -> dict[str, dict[str, Any]]:
    """The descriptions, by their names."""
    return {
        "heads": units.heads_spec(colors),
        **{f"counts-{site}": units.counts_spec(site, colors) for site in _SITES},
        MAPS: maps.spec(colors),
        **{f"curves-{panel}": training.curve_spec(panel, colors) for panel in training.PANELS},
        "latency": latency.spec(colors),
        "stages": training.stages_spec(colors),
    }


def figures_of(record: Record | None, detail: Detail) -> Iterator[Figure]:
    """Those that there is something to show in; `record` None: the run is not finished."""
    if heads := units.head_rows(detail.sublayers):
        yield Figure("heads", "heads", "Heads of each layer", {"heads": heads})
    for site, title in _SITES.items():
        counts = units.count_rows(detail.sublayers, record, site)
        if counts and not (site == "attention" and heads):
            yield Figure(f"counts-{site}", f"counts-{site}", f"{title} of each layer", {"counts": counts})
    stages = maps.stages(detail.sublayers)
    for stage in stages:
        data = maps.rows(detail.sublayers, stage)
        yield Figure(f"maps-{stage}", MAPS, f"Weights of each matrix, {maps.title(stage, stages)}", data)
    drawn = training.curve_rows(detail.stages)
    for panel, title in training.PANELS.items():
        if curves := [row for row in drawn["curves"] if row["panel"] == panel]:
            stages_here = {row["stage"] for row in curves}
            data = {"curves": curves, "spans": [row for row in drawn["spans"] if row["stage"] in stages_here]}
            yield Figure(f"curves-{panel}", f"curves-{panel}", title.capitalize(), data)
    if record is not None and (times := latency.rows(record)):
        yield Figure("latency", "latency", "Time of a batch", {"latency": times})
    if took := training.stage_rows(detail.stages):
        yield Figure("stages", "stages", "What each stage took", {"stages": took})
