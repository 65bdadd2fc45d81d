"""Folders of runs as a stranger may leave them, and all that is said about them."""

import io
import json

from rich.console import Console

from prune.report.detail.run import detail_of
from prune.report.figures.run import figures_of
from prune.report.terminal.run import draw_run
from prune.results.record import Record
from tests.report.folders import configured, measured, with_model

ESCAPES = "\x1b]0;title\x07\x1b[2J"
"""What a terminal would carry out."""


def run(outputs, **values):
    """A run's folder with a record and a model."""
    one = measured(2, **{"config": configured(20)} | values)
    folder = outputs / "sst2" / "small" / "hybrid" / "bad" / f"seed_{one.seed}"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(vars(one)))
    return with_model(folder, heads=[0, 3], dimensions=[1, 2, 5])


def described(folder):
    """All that is said about a run: its figures, and what a terminal gets; returns its details."""
    one = Record.read(folder / "record.json")
    detail = detail_of(folder, one)
    json.dumps([vars(figure) for figure in figures_of(one, detail)], allow_nan=False)
    console = Console(file=io.StringIO(), width=140)
    console.print(draw_run(folder, one, detail))
    return detail


def files_under(folder):
    """Name -> content of all files."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
