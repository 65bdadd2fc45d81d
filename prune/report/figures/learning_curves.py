"""A metric while models were trained, against the compute that went into them until then (Li et al. 2020, figure 1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from prune.report.detail.run import Detail, Stage
from prune.report.figures import Figure, Rows
from prune.report.figures.frontier import X_TITLES, layer, rounded, spoken, y_title
from prune.report.figures.theme import Colors, frame, numbered
from prune.results.pareto import PER_COMPUTE
from prune.results.record import Record
from prune.results.rows import dense_key
from prune.runtime.sanitize import shown
from prune.tasks.metrics.specs import MetricSpec

NAME = "learning-curves"
"""Of the descriptions, each with its number."""
_DENSE = "dense"
_DASHES = [[1, 0], [5, 3], [2, 2], [4, 2, 1, 2], [8, 3], [1, 4]]

Run = tuple[Record, Detail]


def drawn(runs: Sequence[Run], colors: Colors) -> Iterator[tuple[Figure, dict[str, Any]]]:
    """A figure for each task and metric whose models were evaluated during their training, and its description."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, (record, _) in enumerate(runs):
        groups[record.task, record.metric].append(number)
    for place, members in enumerate(groups.values()):
        first = runs[members[0]][0]
        if data := _data({number: runs[number] for number in members}):
            name = f"{first.task}-{first.metric}-learning-curves"
            title = shown(f"{first.task}: {first.spec.title}", most=300)
            yield Figure(name, f"{NAME}-{place}", title, data), _spec(first.spec, data, colors)


def _data(runs: dict[int, Run]) -> dict[str, Rows]:
    """`curves`, a row for each evaluation; `models`, a row for each finished one, dense or pruned. Empty: no curves."""
    curves: Rows = []
    models: Rows = []
    dense_models = set()
    for number, (record, detail) in runs.items():
        evaluations = list(_evaluations(record, detail.stages))
        if not evaluations:
            continue
        key = dense_key(record)
        is_new = key not in dense_models
        dense_models.add(key)
        curves += [_row(record, part, f"{part} {number}", at) for part, at in evaluations if is_new or part != _DENSE]
        if is_new:
            models += _model(record, _DENSE, record.dense_training_flops, record.dense_value, [])
        models += _model(record, record.method, record.training_flops, record.value, [number])
    return {"curves": curves, "models": models} if curves else {}


def _evaluations(record: Record, stages: Sequence[Stage]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Of each evaluation during the training of the dense model, or by the method: which; floating-point operations
    until then, and the main metric."""
    spent = _flops(record, "pretraining")
    for stage in stages:
        part = _DENSE if stage.name == _DENSE else record.method
        for flops, value in _curve(record, stage):
            yield part, (spent + flops, value)
        spent += _flops(record, stage.name)
        if stage.name == _DENSE:
            spent += _flops(record, "teacher")  # which has answered before what follows begins


def _curve(record: Record, stage: Stage) -> list[tuple[float, float]]:
    for curve in stage.curves:
        if (curve.panel, curve.series) == ("metric", record.metric.replace("_", "-")):
            return list(zip(curve.flops, curve.values, strict=False))  # no operations are known, or all
    return []


def _flops(record: Record, stage: str) -> float:
    return record.training.get(stage, {}).get("flops", 0.0)


def _row(record: Record, part: str, line: str, at: tuple[float, float]) -> dict[str, Any]:
    flops, value = at
    place = {"compute": rounded(flops / PER_COMPUTE), "value": rounded(record.spec.shown(value))}
    return {"model": shown(record.model), "part": part, "line": line} | place


def _model(record: Record, part: str, flops: float | None, value: float, runs: list[int]) -> Rows:
    if flops is None:
        return []
    name = record.model if part == _DENSE else f"{record.model}, {record.method}, {record.setting}"
    row = _row(record, part, "", (flops, value))
    facts = [
        (record.spec.title, record.spec.format_value(value)),
        ("training compute", f"{row['compute']:g} x 10^12 operations"),
        ("seed", str(record.seed)),
    ]
    label = shown(f"{_DENSE} {name}" if part == _DENSE else name, most=300)
    return [row | {"label": label, "facts": facts, "runs": runs, "spoken": spoken(label, facts)}]


def _spec(metric: MetricSpec, data: dict[str, Rows], colors: Colors) -> dict[str, Any]:
    """Data sets: `curves`, `models`. A colour for each model; a dash and a shape for each way to prune it."""
    models, parts = (list(dict.fromkeys(row[key] for row in data["models"] + data["curves"])) for key in
                     ("model", "part"))  # fmt: skip
    legend = {"title": None, "orient": "top", "direction": "horizontal", "columns": 4}
    of_model = [numbered(number, colors)[0] for number in range(len(models))]
    color = {"field": "model", "type": "nominal", "legend": legend, "scale": {"domain": models, "range": of_model}}
    of_part = {"field": "part", "type": "nominal", "legend": legend | {"symbolDash": [], "symbolStrokeWidth": 0}}
    dashes = of_part | {
        "scale": {"domain": parts, "range": [_DASHES[n % len(_DASHES)] for n in range(len(parts))]},
    }
    shapes = of_part | {"scale": {"domain": parts, "range": [numbered(n, colors)[1] for n in range(len(parts))]}}
    x = {"field": "compute", "type": "quantitative", "title": X_TITLES["compute"], "axis": {"tickCount": 8}}
    y = {"field": "value", "type": "quantitative", "title": y_title("value", metric),
         "scale": {"zero": False, "nice": True}}  # fmt: skip
    at = {"x": x, "y": y, "color": color}
    return {
        **frame(colors),
        "layer": [
            layer("curves", {"type": "line", "strokeWidth": 2}, at | {
                "detail": {"field": "line"}, "order": {"field": "compute"}, "strokeDash": dashes}),
            layer("models", {"type": "point", "filled": True, "size": 95, "opacity": 1, "cursor": "pointer",
                             "stroke": colors["paper"], "strokeWidth": 1}, at | {
                "shape": shapes, "tooltip": {"field": "label"}, "description": {"field": "spoken"}}),
        ],
    }  # fmt: skip
