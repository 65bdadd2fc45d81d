"""A pruned model in a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from prune.models.sublayers import SITES, Sublayer
from prune.report.inspection import Inspection
from prune.tasks.metrics.specs import spec_of


def draw_inspection(model: Inspection) -> Group:
    """Where the model comes from, its sizes, and what is left of each layer."""
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(model):
        facts.add_row(name, Text(text))
    return Group(facts, "", _layers(model))


def _facts(model: Inspection) -> list[tuple[str, str]]:
    facts = [
        ("folder", str(model.folder)),
        ("model", model.model_class),
        ("parameters", f"{model.params:,} of {model.dense_params:,} ({100 * model.params / model.dense_params:.0f} %)"),
        ("weights' file", f"{model.bytes / 1e6:.1f} MB"),
        ("density", f"{100 * model.density:.1f} % of the weights of the prunable layers are left and not zero"),
    ]
    facts += [("tokens", line) for line in model.pooling.in_words()]
    if model.last_attention is not None:
        facts.append(("tokens", f"the first only, after {model.last_attention}: the head reads no other"))
    if (origin := model.origin) is not None:
        facts += [(name, str(origin.get(name))) for name in ("pruned from", "task", "method", "seed")]
        spec = spec_of(origin["metric"])
        value, dense = (spec.format_value(float(origin[name])) for name in ("value", "dense_value"))
        facts.append(("score", f"{origin['metric']} {value}, dense {dense}"))
        facts.append(("speed", f"{origin['speedup']:.2f} times the dense model's ({origin['measured']})"))
    return facts


def _layers(model: Inspection) -> Table:
    """One row per layer, one column per kind of sublayer."""
    columns = list(dict.fromkeys(s.name.rpartition(".")[2] for s in sorted(model.sublayers, key=_site)))
    rows: dict[str, dict[str, str]] = {}
    for sublayer in model.sublayers:
        layer, _, column = sublayer.name.rpartition(".")
        unit = "heads" if sublayer.site == "attention" else "dimensions"
        count = model.kept.get(sublayer.name)
        rows.setdefault(layer, {})[column] = "left out" if count is None else f"{count} of {sublayer.num_units} {unit}"
    table = Table("layer", *columns)
    for layer, cells in rows.items():
        table.add_row(layer, *(cells.get(column, "") for column in columns))
    return table


def _site(sublayer: Sublayer) -> int:
    return SITES.index(sublayer.site)
