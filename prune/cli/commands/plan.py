"""`prune plan [key=value ...]`: which shapes reach the targets, before any training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prune.cli.commands import display

if TYPE_CHECKING:
    from prune.config.schema import Config

USAGE = (
    ("prune plan target.speedup=2 [key=value ...]", "which shapes reach a target here, and how long the run takes"),
)


def run_command(words: list[str]) -> None:
    """Shows a row per target."""
    from prune.composition.compose import compose_and_call

    if plans := compose_and_call(words, _one):  # Hydra may have shown something instead
        from prune.pipeline.plan import as_rich

        display(as_rich(plans))


def _one(config: Config) -> Any:
    from prune.pipeline.plan import plan
    from prune.runtime.screen import Screen

    return plan(config, Screen())
