"""`prune score task=... predictions=<file.json>`, with null_odds= or probabilities= where metrics ask for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prune.errors import UserError

if TYPE_CHECKING:
    from prune.config.schema import Config

_FILES = ("predictions", "null_odds", "probabilities")
USAGE = (
    ("prune score task=squad predictions=<file.json>", "the metrics of predictions alone (an object: id -> answer)"),
)


def run_command(words: list[str]) -> None:
    """Prints the metrics of a file of predictions."""
    from prune.composition.compose import compose_and_call

    files = dict(word.split("=", 1) for word in words if word.startswith(tuple(f"{name}=" for name in _FILES)))
    if "predictions" not in files:
        raise UserError("prune score: name the file to score with predictions=<file.json>: an object, id -> answer")

    def one(config: Config) -> Any:
        from prune.pipeline.scoring import score

        return score(config, **files)

    rest = [word for word in words if word.split("=", 1)[0] not in files]
    for scored in compose_and_call(rest, one):
        print(json.dumps(scored.scores, indent=1))
