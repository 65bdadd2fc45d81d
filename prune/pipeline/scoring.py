"""`prune score`: the metrics of a file of predictions, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prune.config.schema import Config
from prune.data.checks import is_number
from prune.errors import UserError
from prune.pipeline.task import task_of
from prune.results.predictions import of_examples
from prune.runtime import library_output
from prune.tasks.base import Predictions, Scores


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
    answers = of_examples(Path(predictions), ids, "predictions")
    odds = of_examples(Path(null_odds), ids, "null_odds") if null_odds else {}
    if wrong := [id_ for id_, value in odds.items() if not is_number(value)]:
        raise UserError(f"null_odds={null_odds}: {odds[wrong[0]]!r} of {wrong[0]} is no number")
    if config.task.metrics[0].startswith("best_") and not odds:
        raise UserError(
            f"task.metrics={config.task.metrics[0]} is over thresholds: name the odds with null_odds=<file>"
        )
    every = of_examples(Path(probabilities), ids, "probabilities") if probabilities else {}
    if "roc_auc" in config.task.metrics and not every:
        raise UserError("task.metrics: roc_auc is of probabilities: name them with probabilities=<file>")
    scores = task.measure(Predictions(answers, odds, probabilities=every), rows)
    return Scored(scores, scores[config.task.metrics[0]])
