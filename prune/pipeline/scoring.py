"""`prune score`: the metrics of a file of predictions, without any model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.config.schema import Config
from prune.errors import UserError
from prune.pipeline.task import task_of
from prune.runtime import library_output
from prune.runtime.wording import counted
from prune.tasks.base import Predictions, Scores, is_number

_SHOWN = 3


@dataclass
class Scored:
    """What `prune score` prints."""

    scores: Scores
    value: float
    """The main metric."""


def score(config: Config, predictions: str, null_odds: str | None = None, probabilities: str | None = None) -> Scored:
    """Scores the file `predictions` (JSON: id -> answer) on the first evaluation split, in the official units.

    Raises:
        UserError: if a file cannot be read, or its ids are not those of the split.
    """
    library_output.libraries()
    task = task_of(config)
    split = config.task.eval_splits[0]
    rows = task.load([split])[split]
    ids = task.ids(rows)
    answers = _read("predictions", predictions, ids)
    odds = _read("null_odds", null_odds, ids) if null_odds else {}
    if wrong := [id_ for id_, value in odds.items() if not is_number(value)]:
        raise UserError(f"null_odds={null_odds}: {odds[wrong[0]]!r} of {wrong[0]} is no number")
    if config.task.metrics[0].startswith("best_") and not odds:
        raise UserError(
            f"task.metrics={config.task.metrics[0]} is over thresholds: name the odds with null_odds=<file>"
        )
    every = _read("probabilities", probabilities, ids) if probabilities else {}
    if "roc_auc" in config.task.metrics and not every:
        raise UserError("task.metrics: roc_auc is of probabilities: name them with probabilities=<file>")
    scores = task.measure(Predictions(answers, odds, probabilities=every), rows)
    return Scored(scores, scores[config.task.metrics[0]])


def _read(key: str, file: str, ids: list[str]) -> dict[str, Any]:
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{key}={file}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{key}={file}: holds a {type(content).__name__}; expected an object, id -> value")
    for what, found in (("lacks", set(ids) - content.keys()), ("does not know", content.keys() - set(ids))):
        if found:
            some = ", ".join(sorted(found)[:_SHOWN])
            whom = ("the file", "the split") if what == "lacks" else ("the split", "the file")
            raise UserError(f"{key}={file}: {whom[0]} {what} {counted(len(found), 'example')} of {whom[1]}: {some} ...")
    return content
