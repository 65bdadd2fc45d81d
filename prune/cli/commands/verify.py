"""`prune verify <recipe, or folder of a run> [key=value ...]`: does it give what it promises?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prune.cli.commands import display
from prune.errors import UserError
from prune.runtime.sanitize import for_terminal

if TYPE_CHECKING:
    from prune.config.reference import ReferenceConfig
    from prune.config.schema import Config
    from prune.results.record import Record

USAGE = (("prune verify <recipe or run> [key=value ...]", "does it give what its reference says? Exit code 1: no"),)
DISAGREES = 1


def run_command(words: list[str]) -> None:
    """Compares a run with the reference of its recipe; exits with 1 where it does not agree."""
    if not words or "=" in words[0] or words[0].startswith("-"):
        raise UserError("prune verify: name a recipe that `prune recipes` lists, a .yaml file, or the folder of a run")
    what, *overrides = words
    if odd := [word for word in overrides if "=" not in word or word.startswith(("-", "recipe="))]:
        raise UserError(f"prune verify: {odd[0]!r} is not known. Allowed: key=value, as in task.path=<folder>")
    of_what = _of_folder if Path(what).is_dir() else _of_recipe
    config, record, changed = of_what(what, overrides)
    from prune.recipes.verification import agree, as_rich, compare

    comparisons = compare(config.reference, record, changed or ())
    display(as_rich(comparisons, "\n".join(_remarks(config, record, changed))))
    agrees = agree(comparisons)
    print(for_terminal(f"{what} {'agrees' if agrees else 'does not agree'} with its reference"))
    if not agrees:
        sys.exit(DISAGREES)


def _of_recipe(name: str, overrides: list[str]) -> tuple[Config, Record, list[str] | None]:
    """A recipe's config, its run, carried out unless it is finished, and what `overrides` change."""
    from prune.cli.commands.run import one
    from prune.config.keys import flatten
    from prune.recipes import library
    from prune.recipes.verification import WHERE, differing

    content = library.read(library.find(name))
    _refuse_empty(name, library.promise_of(name))
    asked = {a.key for a in flatten(content) if a.value == library.OWN}
    config = _composed(name, overrides)
    recipe = _composed(name, [word for word in overrides if word.split("=")[0] in (*WHERE, *asked)])
    return config, one(config), differing(recipe, config)


def _of_folder(folder: str, overrides: list[str]) -> tuple[Config, Record, list[str] | None]:
    """A finished run's config and record, and what it differs in from its recipe; None where that is not known."""
    from prune.config.keys import removed_settings
    from prune.recipes import library
    from prune.recipes.reproduction import config_of
    from prune.recipes.verification import differing
    from prune.results.layout import RunFolder
    from prune.results.record import record_of

    if overrides:
        raise UserError(f"prune verify: {folder} is the folder of a run, which {overrides[0]} cannot change any more")
    record = record_of(RunFolder(Path(folder)))
    config = config_of(record)
    _refuse_empty(folder, config.reference)
    recipe = next((name for name in library.names() if library.promise_of(name) == config.reference), None)
    removed = removed_settings(record.config)
    return config, record, differing(_composed(recipe, []), config, removed) if recipe else None


def _composed(name: str, overrides: Sequence[str]) -> Config:
    """The one config of a recipe."""
    from prune.composition.compose import compose_and_call

    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    composed = compose_and_call([f"recipe='{quoted}'", *overrides], lambda config: config)
    if len(composed) > 1:
        raise UserError(
            f"prune verify: {name} gives several results; choose one, as in target.speedup=3 or method.rounds=[6]"
        )
    return composed[0]


def _refuse_empty(name: str, reference: ReferenceConfig) -> None:
    if not reference.scores and reference.linear_density is None:
        raise UserError(
            f"prune verify: {name} came with no scores and no density to compare with. A run's own recipe has them: "
            "prune verify <folder of the run>/recipe.yaml outputs=<another folder> repeats it"
        )


def _remarks(config: Config, record: Record, changed: list[str] | None) -> Iterator[str]:
    from prune.recipes.verification import environment_differs

    reference = config.reference
    yield f"Reference: {reference.source}. Scores, density and differences are in points."
    if changed is None:
        yield "Which recipe the run came from is not known, so its settings were not compared with it."
    elif changed:
        yield f"This run is not the recipe's, it has {', '.join(changed)}."
    if differs := environment_differs(reference, record):
        yield f"Equality is not to be expected: the reference has another {', '.join(differs)}, or does not tell it."
    if (theirs := reference.environment.commit) != (mine := record.environment.get("commit")) and theirs:
        yield f"The code may have changed: the reference is of commit {theirs}, this run of {mine}."
