"""`prune plan [key=value ...]`: which shapes reach the targets, before any training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune.cli.commands import display

if TYPE_CHECKING:
    from prune.config.schema import Config
    from prune.pipeline.plan import Plan

USAGE = (
    ("prune plan target.speedup=2 [key=value ...]", "which shapes reach a target here, and how long the run takes"),
)


def run_command(words: list[str]) -> None:
    """Shows a row for each target, or for each candidate of each."""
    from prune.composition.compose import compose_and_call

    if found := compose_and_call(words, _of_target):  # Hydra may have shown something instead
        from prune.pipeline.plan import as_rich

        display(as_rich([plan for of_target in found for plan in of_target]))


def _of_target(config: Config) -> list[Plan]:
    from prune.pipeline.plan import plans
    from prune.runtime.screen import Screen

    return plans(config, Screen())
