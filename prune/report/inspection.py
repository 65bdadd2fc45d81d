"""`prune inspect`: what is in the folder of a pruned model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from prune.compaction import saved_model
from prune.compaction.structure import Structure
from prune.errors import UserError
from prune.files import strict_json
from prune.measure import size
from prune.models.architecture import skeleton, sublayers_of, without_numbers
from prune.models.sublayers import SITES, Sublayer
from prune.results.layout import ORIGIN, RunFolder
from prune.runtime.sanitize import quoted

_TEXTS = {"pruned from", "task", "method", "metric", "measured"}
_NUMBERS, _LARGEST = {"seed", "value", "dense_value", "speedup"}, 1e12
"""Of what `origin_of` gives, what is shown."""


@dataclass(frozen=True)
class Inspection:
    """A pruned model, as its files say."""

    folder: Path
    model_class: str
    params: int
    dense_params: int
    bytes: int
    density: float
    """Non-zero weights of the prunable layers over all weights of these layers in the dense model."""
    sublayers: list[Sublayer]
    """Of the dense model."""
    kept: dict[str, int]
    """Sublayer -> number of heads or dimensions that are left; those of layers left out are not named."""
    last_attention: str | None
    """After which only the first token is computed; None where all are to the end."""
    origin: dict[str, Any] | None
    """What it was pruned from and how, and its score; None where the folder does not say."""


def inspect(path: Path) -> Inspection:
    """Reads the folder of a model, or of the run that made it, weights included.

    Raises:
        UserError: if it is no folder of a pruned model, or a file does not fit the others.
    """
    folder = RunFolder(path).model if RunFolder(path).record.exists() else path
    model, structure = saved_model.load(folder), Structure.read(folder)
    dense_config = structure.depth.dense_config(model.config)
    dense = without_numbers(dense_config, lambda: type(model)(dense_config))
    left, sublayers = sublayers_of(skeleton(model.config)), sublayers_of(dense)
    last = structure.last_attention(left)
    return Inspection(
        folder=folder,
        model_class=type(model).__name__,
        params=size.num_parameters(model),
        dense_params=size.num_parameters(dense),
        bytes=size.bytes_on_disk(folder),
        density=size.num_nonzero(model.base_model, left) / size.num_prunable(sublayers),
        sublayers=sublayers,
        kept={structure.depth.dense_name(name): len(units) for name, units in structure.kept.items()},
        last_attention=None if last is None else structure.depth.dense_name(last.name),
        origin=_origin(folder / ORIGIN),
    )


def _origin(file: Path) -> dict[str, Any] | None:
    try:
        content = strict_json.read(file)
    except FileNotFoundError:
        return None
    if missing := {"metric", "value", "dense_value", "speedup", "measured"} - content.keys():
        raise UserError(f"{file} does not tell {', '.join(sorted(missing))}")
    for key, value in content.items():
        if key in _TEXTS and not isinstance(value, str):
            raise UserError(f"{file}: {key} is {quoted(value)}, no text")
        if key in _NUMBERS and (type(value) not in (int, float) or abs(value) > _LARGEST):
            raise UserError(f"{file}: {key} is {quoted(value)}, no number up to {_LARGEST:g}")
    return content


def as_rich(found: Inspection) -> Group:
    """For the terminal."""
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(found):
        facts.add_row(name, Text(text))
    return Group(facts, "", _layers(found))


def _facts(found: Inspection) -> list[tuple[str, str]]:
    facts = [
        ("folder", str(found.folder)),
        ("model", found.model_class),
        ("parameters", f"{found.params:,} of {found.dense_params:,} ({100 * found.params / found.dense_params:.0f} %)"),
        ("weights' file", f"{found.bytes / 1e6:.1f} MB"),
        ("density", f"{100 * found.density:.1f} % of the weights of the prunable layers are left and not zero"),
    ]
    if found.last_attention is not None:
        facts.append(("tokens", f"the first only, after {found.last_attention}: the head reads no other"))
    if (origin := found.origin) is not None:
        facts += [(name, str(origin.get(name))) for name in ("pruned from", "task", "method", "seed")]
        value, dense = float(origin["value"]), float(origin["dense_value"])
        facts.append(("score", f"{origin['metric']} {100 * value:.2f}, dense {100 * dense:.2f}"))
        facts.append(("speed", f"{origin['speedup']:.2f} times the dense model's ({origin['measured']})"))
    return facts


def _layers(found: Inspection) -> Table:
    """One row per layer, one column per kind of sublayer."""
    columns = list(dict.fromkeys(s.name.rpartition(".")[2] for s in sorted(found.sublayers, key=_site)))
    rows: dict[str, dict[str, str]] = {}
    for sublayer in found.sublayers:
        layer, _, column = sublayer.name.rpartition(".")
        unit = "heads" if sublayer.site == "attention" else "dimensions"
        count = found.kept.get(sublayer.name)
        rows.setdefault(layer, {})[column] = "left out" if count is None else f"{count} of {sublayer.num_units} {unit}"
    table = Table("layer", *columns)
    for layer, cells in rows.items():
        table.add_row(layer, *(cells.get(column, "") for column in columns))
    return table


def _site(sublayer: Sublayer) -> int:
    return SITES.index(sublayer.site)
