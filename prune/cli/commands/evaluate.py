"""`prune evaluate task=... model.path=<folder>`: the metrics of a finished model, as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prune.cli.commands import display, one_of
from prune.errors import UserError

if TYPE_CHECKING:
    from prune.config.schema import Config

_FORMATS = ("table", "json")
USAGE = (("prune evaluate task=squad model.path=<folder>", "the metrics of a finished model; format=json"),)


def run_command(words: list[str]) -> None:
    """Prints the metrics of the model in `model.path` on each evaluation split."""
    from prune.composition.compose import compose_and_call
    from prune.validation import check_finished

    formats = [word.partition("=")[2] for word in words if word.startswith("format=")]
    if len(formats) > 1:
        raise UserError("prune evaluate: format is given twice")
    form = one_of("evaluate", "format", formats[0] if formats else _FORMATS[0], _FORMATS)
    rest = [word for word in words if not word.startswith("format=")]
    for scores in compose_and_call(rest, _one, check_finished):
        if form == "json":
            print(json.dumps({"scores": scores}))
        else:
            display(_as_rich(scores))


def _one(config: Config) -> Any:
    from prune.pipeline.evaluation import evaluate
    from prune.runtime.screen import Screen

    return evaluate(config, Screen())


def _as_rich(scores: Mapping[str, Mapping[str, float]]) -> Any:
    from rich.table import Table

    from prune.tasks.metrics.specs import spec_of

    table = Table("split", "metric", "value")
    for split, of_split in scores.items():
        for name, value in of_split.items():
            table.add_row(split, spec_of(name).title, spec_of(name).format_value(value))
    return table
