"""`prune export run=<folder> format=<format>`: the result of a run in another format, compared and measured."""

from __future__ import annotations

from pathlib import Path

from prune.cli.commands import display
from prune.errors import UserError
from prune.runtime.registry import nearest

FORMATS = ("onnx", "onnx_int8", "torch", "plain")
"""Names of prune/export/export.py, which needs torch; a test holds the two together."""
USAGE = (("prune export run=<folder> format=onnx", f"the result of a run for other runtimes: {', '.join(FORMATS)}"),)


def run_command(words: list[str]) -> None:
    """Exports, and shows the exported model's row of the table."""
    values = dict(word.split("=", 1) for word in words if "=" in word)
    if set(values) != {"run", "format"} or len(words) != len(values):
        raise UserError(f"prune export: say run=<folder of a finished run> format=<{' or '.join(FORMATS)}>")
    form = values["format"]
    if form not in FORMATS:
        raise UserError(f"format={form}: not known{nearest(form, list(FORMATS))}. Allowed: {', '.join(FORMATS)}")
    from prune.export.conversion import export
    from prune.report.terminal.table import table_of
    from prune.results.layout import RunFolder
    from prune.runtime.screen import Screen

    screen, run = Screen(), RunFolder(Path(values["run"]))
    display(table_of([export(run, form, screen)]))
    screen.say(f"   model  {run.exported(form)}")
