"""`prune [run] key=value ...`: one run, or a sweep of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prune.cli.commands import display, publish
from prune.runtime import distributed

if TYPE_CHECKING:
    from prune.config.schema import Config
    from prune.results.layout import RunFolder
    from prune.results.record import Record

USAGE: tuple[tuple[str, str], ...] = ()
"""The head of the help tells it."""
_SOME_FAILED = 1


def run_command(words: list[str]) -> None:
    """Trains, prunes and evaluates what `words` compose; shows the table."""
    if "-m" in words or "--multirun" in words:
        _sweep(words)
        return
    from prune.composition.compose import compose_and_call

    carried_out = compose_and_call(words, lambda config: (config, _one(config)))
    if len(carried_out) > 1:
        from prune.report.terminal.table import table_of

        display(table_of([record for _, record in carried_out]))
    if carried_out and carried_out[-1][0].report:  # Hydra may have shown something instead
        publish(Path(carried_out[-1][0].outputs))


def _sweep(words: list[str]) -> None:
    """Many runs, the table of those that are finished, and why the others are not."""
    from prune.report.terminal.table import table_of
    from prune.runtime.screen import Screen
    from prune.sweeps.report import report
    from prune.sweeps.sweep import sweep

    result = sweep(words, _one)
    if records := [record for _, record in result.finished]:
        display(table_of(records))
    good = report(result, Screen())
    if result.page_of is not None and (result.finished or result.failed):
        publish(result.page_of)
    if result.stopped_by is not None:
        raise result.stopped_by
    if not good:
        sys.exit(_SOME_FAILED)


def _one(config: Config) -> Record:
    """One run, and how far it came from the reference, if there is one."""
    record = one(config)
    if config.reference.is_given:
        from prune.recipes.verification import compare, in_words
        from prune.runtime.screen import Screen

        Screen().say(f"reference  {in_words(compare(config.reference, record))}")
    return record


def one(config: Config) -> Record:
    """One run, its row of the table, where everything lies, and the command that reproduces it.

    Where it fails, its folder says why.
    """
    from prune.results.layout import RESULTS_CSV, RESULTS_MD, run_folder
    from prune.results.unfinished import forget_reason
    from prune.runtime.importing import heavy_imports

    if config.method.candidates:
        config = _best_candidate(config)
    folder, outputs = run_folder(config), Path(config.outputs)
    is_new = distributed.broadcast_from_main(lambda: _can_begin(config, folder))
    with _leaving_reason(folder):
        if is_new:
            distributed.broadcast_from_main(lambda: _check_data(config))
        with heavy_imports():
            from prune.pipeline.run import run
            from prune.recipes.reproduction import command
            from prune.report.terminal.table import table_of
            from prune.results.files import write_tables
            from prune.runtime.resources import writing
            from prune.runtime.screen import Screen
        screen = Screen()
        with writing(folder.path):
            record = run(config, screen)
    if not distributed.is_main_process():
        return record
    forget_reason(folder)  # that of the same run in another process, which this one has waited for
    for problem in [*record.warnings, *write_tables(outputs).problems]:
        screen.warn(problem)
    display(table_of([record]))
    screen.say(f"   model  {folder.model}")
    screen.say(f"  record  {folder.record}")
    screen.say(f"  recipe  {folder.recipe}")
    screen.say(f"   again  {command(config, str(folder.recipe))}")
    screen.say(f"  tables  {outputs / RESULTS_MD}, {outputs / RESULTS_CSV}")
    return record


def _best_candidate(config: Config) -> Config:
    from prune.files.atomic import check_writable
    from prune.runtime.importing import heavy_imports

    distributed.broadcast_from_main(lambda: check_writable(config.outputs))
    distributed.broadcast_from_main(lambda: _check_data(config))
    with heavy_imports():
        from prune.pipeline.candidates import choose
        from prune.runtime.screen import Screen
    return choose(config, Screen())


@contextmanager
def _leaving_reason(folder: RunFolder) -> Iterator[None]:
    """Where the run in `folder` fails meanwhile, that says why."""
    from prune.results.unfinished import forget_reason, leave_reason

    if distributed.is_main_process():
        forget_reason(folder)
    try:
        yield
    except Exception as error:
        if distributed.is_main_process():
            leave_reason(folder, error)
        raise


def _can_begin(config: Config, folder: RunFolder) -> bool:
    """Whether the run is not finished; what is, is shown from a folder that nobody may write in, too."""
    from prune.files.atomic import check_writable

    try:
        is_finished = folder.record.exists() and not config.force
    except OSError:  # a folder that nobody may look into
        is_finished = False
    if not is_finished:
        check_writable(config.outputs)
    return not is_finished


def _check_data(config: Config) -> None:
    """Before torch is loaded."""
    from prune.pipeline.task import task_of
    from prune.runtime import library_output

    library_output.of_datasets()
    task_of(config).check_all()
