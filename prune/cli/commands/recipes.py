"""`prune recipes [word ...]`: the recipes that ship, and what each promises."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from prune.cli.commands import display
from prune.errors import UserError

USAGE = (("prune recipes [word ...]", "the recipes that ship, and what they give: all, or those with these words"),)
_COLUMNS = ("recipe", "task", "model", "method", "metric", "speed-up", "source")
_CAPTION = (
    "metric and speed-up: what a recipe's reference says, where there is one; the speed-up is that of the hardware "
    "which it names. `prune recipe=<recipe>` carries one out, `prune verify <recipe>` compares, too."
)


def run_command(words: list[str]) -> None:
    """Shows those whose row has all the words."""
    from prune.recipes import library

    rows = [_row(name) for name in library.names()]
    chosen = [row for row in rows if all(any(word.lower() in cell.lower() for cell in row) for word in words)]
    if not chosen:
        raise UserError(f"prune recipes: none has {' and '.join(map(repr, words))}. `prune recipes` lists all")
    display(_as_rich(chosen))


def _row(name: str) -> tuple[str, ...]:
    from prune.config.reference import ReferenceConfig
    from prune.files import strict_yaml
    from prune.recipes import library
    from prune.tasks.metrics.specs import spec_of

    content = strict_yaml.read(library.find(name))
    chosen = library.choices_of(content)
    named = {group: content.get(group, {}).get("name", choice) for group, choice in chosen.items()}
    reference: dict[str, Any] = content.get("reference", {})
    main, speedup = ReferenceConfig(scores=reference.get("scores", {})).main_score, reference.get("speedup")
    return (
        name,
        named["task"],
        named["model"],
        named["method"],
        f"{main[0]} {spec_of(main[0]).format_value(main[1])}" if main else "",
        f"{speedup:.2f}x" if speedup else "",
        reference.get("source", ""),
    )


def _as_rich(rows: list[tuple[str, ...]]) -> Any:
    from rich.markup import escape
    from rich.table import Column, Table

    name, *others = (Column(heading, overflow="fold") for heading in _COLUMNS[:-1])
    name.no_wrap = True  # it is there to be copied
    table = Table(name, *others, caption=_CAPTION, caption_justify="left", pad_edge=False)
    for _, of_task in groupby(sorted(rows, key=lambda row: row[1]), key=lambda row: row[1]):
        for row in of_task:
            table.add_row(*map(escape, row[:-1]))
        table.add_section()
    return table
