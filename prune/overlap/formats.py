"""Comparisons as text: Markdown for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, replace

from prune.overlap.comparison import Comparison, Figures, Pair
from prune.runtime.sanitize import for_csv, for_markdown
from prune.runtime.wording import counted

FORMATS = ("text", "markdown", "csv", "json")
NOTHING = "-"
LEGEND = (
    "Jaccard index (kept by both over kept by either) and how far it exceeds what random masks of the same densities "
    "give; means over pairs of runs. ±: standard deviation of the index of two random masks, where it is 0.01 or more. "
    f"On the diagonal: between the seeds of one configuration. {NOTHING}: nothing to compare, since a run keeps all or "
    "nothing, or there is one seed only."
)
VERSION = 1
_FIGURES = ("pairs", "jaccard", "expected", "excess", "deviation")


def as_json(comparisons: Sequence[Comparison], layers: bool = True) -> str:
    """All figures, unrounded; what cannot be compared is null."""
    shown = [asdict(one if layers else without_layers(one)) for one in comparisons]
    return json.dumps({"version": VERSION, "comparisons": shown}, indent=1) + "\n"


def as_csv(comparisons: Sequence[Comparison], layers: bool = True) -> str:
    """The same, a line for each pair, where `layer` and `site` are empty, and one for each of its sublayers."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("kind", "model", "first", "second", "layer", "site", *_FIGURES))
    for comparison in comparisons if layers else map(without_layers, comparisons):
        for pair in comparison.pairs:
            names = comparison.kind, comparison.model, comparison.members[pair.first], comparison.members[pair.second]
            lines = [("", "", pair.figures), *((one.layer, one.site, one.figures) for one in pair.layers)]
            writer.writerows(map(for_csv, (*names, *place, *astuple(figures))) for *place, figures in lines)
    return stream.getvalue()


def as_markdown(comparisons: Sequence[Comparison], layers: bool = False) -> str:
    """A matrix for each comparison, with the legend below."""
    parts = []
    for one in comparisons:
        numbers = [str(number + 1) for number in range(len(one.members))]
        rows = [
            [member, *(cell(one, row, column) for column in range(row + 1)), *[""] * (len(numbers) - row - 1)]
            for row, member in enumerate(labels(one))
        ]
        parts.append(_table([title(one), *numbers], rows))
        if layers:
            parts.append(_table(["pair", *layer_names(one)], layer_rows(one)))
    return "\n\n".join([*parts, for_markdown(LEGEND)]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(map(for_markdown, head)), ["---"] * len(head), *(list(map(for_markdown, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def title(comparison: Comparison) -> str:
    """What is compared."""
    return f"{comparison.kind} of {comparison.model}"


def labels(comparison: Comparison) -> list[str]:
    """A line for each member: its number, its name, how many runs it has."""
    return [
        f"{number}  {name}" + (f" ({counted(runs, 'run')})" if runs > 1 else "")
        for number, (name, runs) in enumerate(zip(comparison.members, comparison.runs, strict=True), start=1)
    ]


def cell(comparison: Comparison, row: int, column: int, between: str = " ") -> str:
    """The text of a cell of the matrix."""
    found = comparison.at(row, column)
    return NOTHING if found is None else in_words(found.figures, between, comparison.has_several_pairs)


def in_words(figures: Figures, between: str = " ", with_pairs: bool = False) -> str:
    """`0.46 +0.28 ±0.05`, and over how many pairs."""
    texts = in_texts(figures)
    return between.join(filter(None, texts[: None if with_pairs else -1])) or NOTHING


def in_texts(figures: Figures) -> tuple[str, str, str, str]:
    """Index, excess, deviation where it can be seen, and number of pairs; empty where there is nothing to compare."""
    if figures.jaccard is None:
        return "", "", "", ""
    excess = round(figures.excess or 0.0, 2) + 0.0  # so that no zero has a minus
    deviation = f"±{figures.deviation:.2f}" if round(figures.deviation or 0.0, 2) else ""
    return f"{figures.jaccard:.2f}", f"{excess:+.2f}", deviation, counted(figures.pairs, "pair")


def layer_names(comparison: Comparison) -> list[str]:
    """The layers that sublayers are in."""
    return list(dict.fromkeys(one.layer for pair in comparison.pairs for one in pair.layers))


def layer_rows(comparison: Comparison, between: str = " ") -> list[list[str]]:
    """For each pair that has something to compare, and each site, the pair and a text for each of `layer_names`."""
    return [
        [_pair_and_site(pair, site), *(in_words(found[name], between) if name in found else "" for name in names)]
        for names in [layer_names(comparison)]
        for pair in comparison.pairs if pair.figures.jaccard is not None
        for site, found in _by_site(pair)
    ]  # fmt: skip


def _by_site(pair: Pair) -> Iterator[tuple[str, dict[str, Figures]]]:
    for site in dict.fromkeys(one.site for one in pair.layers):
        yield site, {one.layer: one.figures for one in pair.layers if one.site == site}


def _pair_and_site(pair: Pair, site: str) -> str:
    numbers = f"{pair.first + 1}, {pair.second + 1}" if pair.first < pair.second else f"{pair.first + 1}, its seeds"
    return f"{numbers}: {site.replace('_', '-')}"


def without_layers(comparison: Comparison) -> Comparison:
    """The figures over all layers alone."""
    return replace(comparison, pairs=[replace(pair, layers=[]) for pair in comparison.pairs])
