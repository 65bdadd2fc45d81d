"""`prune [run] key=value ...`: one run, or a sweep of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prune.verbs import display

if TYPE_CHECKING:
    from prune.config import Config
    from prune.report.record import Record

USAGE: tuple[tuple[str, str], ...] = ()
"""The head of the help tells it."""


def carry_out(words: list[str]) -> None:
    """Trains, prunes and evaluates what `words` compose; shows the table."""
    from prune.composition import compose_and_call

    records = compose_and_call(words, _one)
    if len(records) > 1:
        from prune.report.table import as_rich

        display(as_rich(records))


def _one(config: Config) -> Record:
    """One run, its row of the table, and where everything lies."""
    from prune.experiment import run
    from prune.outputs import RESULTS_CSV, RESULTS_MD, run_folder
    from prune.report.table import as_rich, write_tables
    from prune.training.progress import Screen

    screen = Screen()
    record = run(config, screen)
    _, problems = write_tables(Path(config.outputs))
    for problem in [*record.warnings, *problems]:
        screen.warn(problem)
    display(as_rich([record]))
    folder, outputs = run_folder(config), Path(config.outputs)
    screen.say(f"   model  {folder.model}")
    screen.say(f"  record  {folder.record}")
    screen.say(f"  recipe  {folder.recipe}")
    screen.say(f"  tables  {outputs / RESULTS_MD}, {outputs / RESULTS_CSV}")
    return record
