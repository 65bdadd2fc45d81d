"""`prune table [folder]`: writes results.csv and results.md anew and shows the table."""

from __future__ import annotations

from pathlib import Path

from prune.errors import UserError
from prune.verbs import display

USAGE = (("prune table [folder]", "the table over all results"),)


def carry_out(words: list[str]) -> None:
    """Reads all records under a folder."""
    from prune.report.table import as_rich, write_tables
    from prune.training.progress import Screen

    folder = Path(words[0] if words else "outputs")
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the outputs folder: prune table <folder>")
    records, problems = write_tables(folder)
    for problem in problems:
        Screen().warn(problem)
    if not records:
        raise UserError(f"{folder} holds no finished run")
    display(as_rich(list(records.values())))
