"""`prune show <run>`: a run in the terminal."""

from __future__ import annotations

import os
from pathlib import Path

from prune.cli.commands import display
from prune.errors import UserError

USAGE = (("prune show <folder of a run>", "one run in the terminal: metrics, speed, what is left, curves"),)


def run_command(words: list[str]) -> None:
    """Shows what the run's folder tells, finished or not."""
    if len(words) != 1:
        raise UserError("prune show: name one folder, of a run")
    folder = Path(words[0])
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the folder of a run: prune show <folder>")
    from prune.report.detail.run import detail_of
    from prune.report.terminal.run import draw_run
    from prune.results.layout import RunFolder
    from prune.results.record import Record
    from prune.results.unfinished import INTERRUPTED, status_of

    file = RunFolder(folder).record
    record = Record.read(file) if os.path.lexists(file) else None
    detail = detail_of(folder, record)
    is_run = record or detail.stages or detail.sublayers or status_of(folder).state != INTERRUPTED
    if not is_run:
        raise UserError(f"{folder} is not the folder of a run: it holds no record, and no stage that is finished")
    display(draw_run(folder, record, detail))
