"""`prune inspect <folder>`: what a person who was handed a model wants to know."""

from __future__ import annotations

from pathlib import Path

from prune.cli.commands import display
from prune.errors import UserError

USAGE = (("prune inspect <folder>", "what a pruned model is: sizes, heads and dimensions per layer, origin, score"),)


def run_command(words: list[str]) -> None:
    """Shows what lies in a folder."""
    if len(words) != 1:
        raise UserError("prune inspect: name one folder, of a pruned model or of the run that made it")
    from prune.runtime.importing import heavy_imports

    with heavy_imports():
        from prune.report.inspection import inspect
        from prune.report.terminal.inspection import draw_inspection
        from prune.runtime import library_output

    library_output.libraries()
    display(draw_inspection(inspect(Path(words[0]))))
