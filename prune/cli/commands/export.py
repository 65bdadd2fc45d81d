"""`prune export run=<folder> format=<format>`: the result of a run in another format, compared and measured."""

from __future__ import annotations

from pathlib import Path

from prune.cli.commands import display, given, one_of, publish, truth
from prune.errors import UserError
from prune.inference.needs import NEEDS
from prune.runtime.sanitize import shown

USAGE = (
    ("prune export run=<folder> format=onnx", f"the result of a run for other runtimes: {', '.join(NEEDS)}"),
    ("prune export ... evaluate=false measure=false", "the same without scoring it anew, and without timing it"),
    ("prune export ... max_loss=0.005", "refused where the main metric loses more, as 8 bits may: here half a point"),
)
_NEEDED, _OPTIONS = ("run", "format"), ("evaluate", "measure")
_MAX_LOSS = "max_loss"


def run_command(words: list[str]) -> None:
    """Exports, shows the exported model's row of the table, and writes tables and report anew."""
    values = given("export", words, (*_NEEDED, *_OPTIONS, _MAX_LOSS))
    if not all(values.get(key) for key in _NEEDED):
        raise UserError(f"prune export: say run=<folder of a finished run> format=<{' or '.join(NEEDS)}>")
    form = one_of("export", "format", values["format"], tuple(NEEDS))
    evaluate, measure = (truth("export", values, key, default=True) for key in _OPTIONS)
    max_loss = _fraction(values.get(_MAX_LOSS))
    from prune.pipeline.exporting import export
    from prune.report.terminal.table import table_of
    from prune.results.files import write_tables
    from prune.results.layout import RESULTS_CSV, RESULTS_MD, RunFolder
    from prune.results.record import record_of
    from prune.runtime.screen import Screen

    screen, run = Screen(), RunFolder(Path(values["run"]))
    record = export(run, form, screen, evaluate=evaluate, measure=measure, max_loss=max_loss)
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


def _fraction(text: str | None) -> float | None:
    """The number in `text`.

    Raises:
        UserError: if it is none from 0 to 1.
    """
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UserError(f"prune export: {_MAX_LOSS}={shown(text)}: must be a fraction from 0 to 1; 0.01 is a point")
    return value
