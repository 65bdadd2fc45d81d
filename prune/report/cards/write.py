"""Writes the model cards of finished runs."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import ModelCard

from prune.files import confined
from prune.report.cards.metadata import front_matter
from prune.report.cards.text import template_values
from prune.report.detail.run import detail_of
from prune.report.figures.files import save
from prune.report.figures.run import MAPS, figures_of, kinds
from prune.report.figures.theme import LIGHT
from prune.results.layout import RunFolder, find_records
from prune.results.reading import UnreadableRecord
from prune.results.record import Record

CARD = "README.md"
PICTURE = "weights.png"
_TEMPLATE = Path(__file__).parent / "templates" / "card.md"


def write_card(folder: Path) -> Path:
    """Writes the card of a finished run's model, and the run's figures as files; returns the card's path.

    Raises:
        UserError, ValueError: if the run has no record that can be read.
    """
    run = RunFolder(folder)
    record = Record.read(run.record)
    detail = detail_of(folder, record)
    specs = kinds(LIGHT)
    figures = list(figures_of(record, detail))
    files = [save(specs[figure.kind], figure.data, run.path, figure.name) for figure in figures]
    maps = [png for figure, (_, png) in zip(figures, files, strict=True) if figure.kind == MAPS]
    if maps:
        confined.write(run.path, run.model / PICTURE, maps[-1].read_bytes())
    values = template_values(run, record, detail, PICTURE if maps else "")
    card = ModelCard.from_template(front_matter(record), template_path=str(_TEMPLATE), **values)
    confined.write(run.path, run.model / CARD, str(card) + "\n")
    return run.model / CARD


def write_missing_cards(outputs: Path) -> list[str]:
    """Writes the cards of all finished runs under `outputs` that have a model and no card newer than their record;
    returns what went wrong."""
    problems = []
    for file in find_records(outputs):
        run = RunFolder(file.parent)
        card = run.model / CARD
        try:
            if run.model.is_dir() and not (card.exists() and card.stat().st_mtime >= file.stat().st_mtime):
                write_card(run.path)
        except UnreadableRecord:
            continue  # the table says so
        except Exception as error:  # whatever it is, it takes no other card with it
            problems.append(f"{card} is not written: {error}")
    return problems
