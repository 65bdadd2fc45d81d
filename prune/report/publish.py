"""All there is to look at: the page, its figures, a card for each model."""

from __future__ import annotations

from pathlib import Path

from prune.report.cards.write import write_missing_cards
from prune.report.page.write import write_report


def publish(outputs: Path) -> tuple[Path, list[str]]:
    """Writes the page over all runs under `outputs` and the cards that are missing; returns where the page is, and what
    went wrong with single runs, cards and figures, beside what `read_records` tells.

    Raises:
        OSError: if the page or its figures cannot be written.
    """
    problems = write_missing_cards(outputs)
    return write_report(outputs, problems.append), problems
