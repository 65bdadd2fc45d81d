"""`prune report [folder]`: the page over all results, its figures, and a card for each model."""

from __future__ import annotations

from pathlib import Path

from prune.cli.commands import tell_of_report
from prune.errors import UserError

USAGE = (("prune report [folder]", "one page to look at: report.html, figures, a card for each model"),)


def run_command(words: list[str]) -> None:
    """Writes what is to be looked at, and says where it is."""
    if len(words) > 1:
        raise UserError("prune report: name one folder, of outputs or of a run")
    folder = Path(words[0] if words else "outputs")
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the outputs folder: prune report <folder>")
    from prune.report.publish import publish
    from prune.results.files import read_records
    from prune.results.layout import find_records, find_unfinished
    from prune.runtime.screen import Screen

    if not any(find_records(folder)) and not any(find_unfinished(folder)):
        raise UserError(f"{folder} holds no run")
    screen = Screen()
    try:
        page, problems = publish(folder)
    except OSError as error:
        raise UserError(f"{folder}: the report cannot be written there ({error})") from error
    for problem in [*read_records(folder)[1], *problems]:
        screen.warn(problem)
    tell_of_report(page)
