"""`prune measure <run>`: the speed of a finished run, measured anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prune.cli.commands import display, publish
from prune.cli.finished_run import config_with, speed_settings
from prune.errors import UserError

if TYPE_CHECKING:
    from prune.config.schema import Config
    from prune.results.layout import RunFolder
    from prune.results.record import Record
    from prune.runtime.screen import Screen

USAGE = (
    ("prune measure <folder of a run>", "its speed, measured anew and entered in its record and the tables"),
    ("prune measure <folder> evaluate.speed.length=real", "under other settings of evaluate.speed, only shown"),
)


def run_command(words: list[str]) -> None:
    """Times both models; writes the record, the tables and the report where no setting is another."""
    if not words or "=" in words[0] or words[0].startswith("-"):
        raise UserError("prune measure: name the folder of a finished run, as in prune measure <folder>")
    settings = speed_settings("prune measure", words[1:])
    from prune.pipeline.measuring import measure_again
    from prune.report.terminal.run import speed_table
    from prune.results.layout import RunFolder
    from prune.results.record import record_of
    from prune.runtime.screen import Screen

    run, screen = RunFolder(Path(words[0])), Screen()
    record = record_of(run)
    config = config_with(record, run, settings)
    found = measure_again(config, run, record, screen)
    for warning in found.warnings:
        screen.warn(warning)
    display(speed_table(found))
    if settings:
        screen.say("  record  stays as it is: it holds the speed by its run's own settings")
    else:
        _enter(config, found, run, screen)


def _enter(config: Config, found: Record, run: RunFolder, screen: Screen) -> None:
    """Writes the record and what tells of it."""
    from prune.pipeline.run import keep
    from prune.results.files import write_tables

    keep(config, found, run)
    screen.say(f"  record  {run.record}")
    if run.outputs is None:  # it was moved without the others
        return
    for problem in write_tables(run.outputs).problems:
        screen.warn(problem)
    if config.report:
        publish(run.outputs)
