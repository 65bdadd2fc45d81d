"""`prune export run=<folder> format=<format>`: the result of a run in another format, compared and measured."""

from __future__ import annotations

from pathlib import Path

from prune.cli.commands import display, given, one_of, publish, truth
from prune.errors import UserError
from prune.inference.needs import NEEDS

USAGE = (
    ("prune export run=<folder> format=onnx", f"the result of a run for other runtimes: {', '.join(NEEDS)}"),
    ("prune export ... evaluate=false measure=false", "the same without scoring it anew, and without timing it"),
)
_NEEDED, _OPTIONS = ("run", "format"), ("evaluate", "measure")


def run_command(words: list[str]) -> None:
    """Exports, shows the exported model's row of the table, and writes tables and report anew."""
    values = given("export", words, (*_NEEDED, *_OPTIONS))
    if not all(values.get(key) for key in _NEEDED):
        raise UserError(f"prune export: say run=<folder of a finished run> format=<{' or '.join(NEEDS)}>")
    form = one_of("export", "format", values["format"], tuple(NEEDS))
    evaluate, measure = (truth("export", values, key, default=True) for key in _OPTIONS)
    from prune.pipeline.exporting import export
    from prune.report.terminal.table import table_of
    from prune.results.files import write_tables
    from prune.results.layout import RESULTS_CSV, RESULTS_MD, RunFolder
    from prune.results.record import record_of
    from prune.runtime.screen import Screen

    screen, run = Screen(), RunFolder(Path(values["run"]))
    record = export(run, form, screen, evaluate=evaluate, measure=measure)
    if record is None:
        screen.say("   table  no row for it: rows tell speeds, and it was not timed (measure=false)")
    else:
        display(table_of([record]))
    screen.say(f"   model  {run.exported(form)}")
    if (outputs := run.outputs) is None:  # it was moved without the others
        return
    for problem in write_tables(outputs).problems:
        screen.warn(problem)
    screen.say(f"  tables  {outputs / RESULTS_MD}, {outputs / RESULTS_CSV}")
    if record_of(run).config["report"]:
        publish(outputs)
