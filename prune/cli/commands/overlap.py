"""`prune overlap [folder] [key=value ...]`: which units and weights runs keep in common, beyond chance."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prune.cli.commands import chosen_runs, display, given, one_of, truth
from prune.errors import UserError

if TYPE_CHECKING:
    from prune.overlap.comparison import Comparison
    from prune.overlap.kept import Kept
    from prune.results.record import Record

USAGE = (
    ("prune overlap [folder]", "which units and weights runs keep in common, beyond chance"),
    ("prune overlap task=sst2 what=weights", "filtered (task, model, method, seed); of units or weights alone"),
    ("prune overlap each=run layers=true", "single runs; layer by layer; format=markdown, csv, json"),
    ("prune overlap seeds=same", "pairs of one seed only, or different, or any (default)"),
)
_OPTIONS = ("what", "each", "seeds", "layers", "format")
_EACH = ("configuration", "run")
_MOST_TOLD = 20
"""Lines of an error."""


def run_command(words: list[str]) -> None:
    """Compares the runs under a folder that the words choose."""
    from prune.overlap.comparison import SEEDS
    from prune.overlap.formats import FORMATS
    from prune.overlap.kept import KINDS
    from prune.results.selection import FILTERS

    named = bool(words) and "=" not in words[0]
    folder = Path(words[0] if named else "outputs")
    values = given("overlap", words[named:], (*FILTERS, *_OPTIONS))
    what = [one_of("overlap", "what", values["what"], list(KINDS))] if "what" in values else list(KINDS)
    single = one_of("overlap", "each", values.get("each", _EACH[0]), _EACH) == "run"
    seeds = one_of("overlap", "seeds", values.get("seeds", SEEDS[0]), SEEDS)
    layers = truth("overlap", values, "layers", default=False)
    form = one_of("overlap", "format", values.get("format", FORMATS[0]), FORMATS)
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the outputs folder: prune overlap <folder>")
    records = chosen_runs(folder, {name: values[name] for name in FILTERS if name in values})
    kept = _kept(folder, records, "weights" in what)
    comparisons = _compared(records, kept, [kind for one in what for kind in KINDS[one]], single, seeds)
    _show(comparisons, form, layers)
    _save(folder, comparisons)


def _kept(folder: Path, records: Mapping[Path, Record], with_weights: bool) -> dict[int, Kept]:
    """Record, by its identity -> what its model keeps, where that is known; what is not, is told."""
    from prune.report.detail.kept import kept_of
    from prune.results.unfinished import reason_of
    from prune.runtime.progress_bar import track
    from prune.runtime.screen import Screen

    kept = {}
    for path, record in track(records.items(), "reading models", len(records)):
        try:
            kept[id(record)] = found = kept_of(folder / path, record, with_weights)
        except UserError as error:
            Screen().warn(f"left out: {path}: {error}")
            continue
        except Exception as error:  # whatever it is, it takes no other run with it
            Screen().warn(f"left out: {path}: {reason_of(error)}")
            continue
        if with_weights and not found.weights:
            Screen().warn(f"compared by its units alone: {path}: the weights of its model are not there")
    return kept


def _compared(
    records: Mapping[Path, Record], kept: Mapping[int, Kept], kinds: Sequence[str], single: bool, seeds: str
) -> list[Comparison]:
    """The comparisons that have anything to compare; why others have not, is told."""
    from prune.overlap.comparison import compared, without_closed
    from prune.overlap.members import members_of
    from prune.results.table import table_rows
    from prune.runtime.screen import Screen

    members = members_of(table_rows(list(records.values())), lambda record: kept.get(id(record)), single)
    of_kind = {kind: compared(members, kind, seeds) for kind in kinds}
    every = [(one, without_closed(one)) for comparisons in of_kind.values() for one in comparisons]
    told = [f"{kind}: no run's folder says which are kept" for kind, comparisons in of_kind.items() if not comparisons]
    told += [_what_is_missing(one, left) for one, left in every if len(left.members) < len(one.members)]
    if not any(left.members for _, left in every):
        raise UserError("\n".join(["there is nothing to compare", *told[:_MOST_TOLD]]))
    for line in told:
        Screen().say(line)
    return [left for _, left in every if left.members]


def _what_is_missing(comparison: Comparison, left: Comparison) -> str:
    """Why members of a comparison are not among those that are `left`."""
    from prune.overlap.formats import title

    if comparison.runs == [1]:
        return f"{title(comparison)}: no other run has a dense model of the shape of {comparison.members[0]}'s"
    number = f"{len(comparison.members) - len(left.members)} of {len(comparison.members)}"
    if not comparison.pairs:
        return f"{title(comparison)}: {number} left out: no two runs have the seeds asked for"
    return f"{title(comparison)}: {number} left out, which keep all of them, or none"


def _save(folder: Path, comparisons: Sequence[Comparison]) -> None:
    from prune.files import confined
    from prune.overlap.formats import as_csv, as_json, title
    from prune.report.figures.files import save
    from prune.report.figures.overlap import MOST_MEMBERS, drawn
    from prune.report.figures.theme import LIGHT
    from prune.results.layout import OVERLAP_CSV, OVERLAP_JSON
    from prune.runtime.screen import Screen

    try:
        confined.write(folder, folder / OVERLAP_CSV, as_csv(comparisons))
        confined.write(folder, folder / OVERLAP_JSON, as_json(comparisons))
        for figure, spec in drawn(comparisons, LIGHT):
            save(spec, figure.data, folder, figure.name)
    except OSError as error:
        raise UserError(f"{folder}: the overlap cannot be written there ({error})") from error
    for one in comparisons:
        if len(one.members) > MOST_MEMBERS:
            Screen().warn(
                f"{title(one)}: no figure, since it has more than {MOST_MEMBERS} rows; choose by task=, method="
            )


def _show(comparisons: Sequence[Comparison], form: str, layers: bool) -> None:
    from prune.overlap.formats import as_csv, as_json, as_markdown
    from prune.report.terminal.overlap import draw_overlap

    texts = {"markdown": as_markdown, "csv": as_csv, "json": as_json}
    if form in texts:
        sys.stdout.write(texts[form](comparisons, layers))
    else:
        display(draw_overlap(comparisons, layers))
