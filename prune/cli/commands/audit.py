"""`prune audit [folder] [task=...]`, or of bare files: on which examples do pruned models differ from dense ones?"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune.cli.commands import chosen_runs, display, given, one_of, tell_of_report
from prune.errors import UserError
from prune.files.atomic import write_at_once

if TYPE_CHECKING:
    from prune.audit.comparisons import Comparison
    from prune.config.schema import Config

USAGE = (
    ("prune audit [folder] task=mnli", "which examples and slices pruning changes, beyond chance: see audit.html"),
    ("prune audit task=mnli dense=[...] pruned=[...]", "the same of bare files of predictions, two lists of them"),
)
_FILES, _SETTINGS, _FORMATS = ("dense", "pruned"), ("task.path", "task.slices"), ("text", "json", "csv")


def run_command(words: list[str]) -> None:
    """Audits run folders, or files of predictions."""
    keys = {word.partition("=")[0] for word in words}
    if keys & set(_FILES):
        _audit_files(words)
    else:
        _audit_runs(words)


def _audit_files(words: list[str]) -> None:
    from prune.composition.compose import compose_and_call

    own = [word for word in words if word.partition("=")[0] in (*_FILES, "format")]
    values = given("audit", own, (*_FILES, "format"))
    form = _form(values)
    lists = {key: _paths(key, values.get(key, "")) for key in _FILES}

    def one(config: Config) -> Comparison:
        from prune.audit.comparisons import of_files

        return of_files(config, lists["dense"], lists["pruned"])

    for comparison in compose_and_call([word for word in words if word not in own], one):
        from prune.audit.document import splits_as_json

        _show([comparison], form, splits_as_json(comparison))


def _audit_runs(words: list[str]) -> None:
    named = bool(words) and "=" not in words[0]
    folder = Path(words[0] if named else "outputs")
    from prune.results.selection import FILTERS

    values = given("audit", words[named:], (*FILTERS, *_SETTINGS, "format"))
    form = _form(values)
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the outputs folder: prune audit <folder>")
    from prune.audit.comparisons import of_records
    from prune.audit.document import as_csv, as_json
    from prune.report.page.audit import write_audit
    from prune.results.layout import AUDIT_CSV, AUDIT_JSON
    from prune.runtime import library_output
    from prune.runtime.screen import Screen

    library_output.libraries()
    chosen = chosen_runs(folder, {name: values[name] for name in FILTERS if name in values})
    settings = _settings(values, sorted({record.task for record in chosen.values()}))
    comparisons, problems = of_records(folder, chosen, settings)
    if not comparisons:
        raise UserError("\n".join(problems))
    for problem in problems:
        Screen().warn(f"left out: {problem}")
    content = as_json(comparisons)
    _show(comparisons, form, content)
    write_at_once(folder / AUDIT_JSON, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_at_once(folder / AUDIT_CSV, as_csv(comparisons))
    page = write_audit(folder, comparisons)
    if form == "text":
        tell_of_report(page)


def _settings(values: Mapping[str, str], tasks: list[str]) -> dict[str, Any]:
    given_settings = {key: values[key] for key in _SETTINGS if key in values}
    if given_settings and len(tasks) > 1:
        raise UserError(
            f"prune audit: {next(iter(given_settings))} is of one task; choose with task={' or '.join(tasks)}"
        )
    path = {"path": values["task.path"]} if "task.path" in values else {}
    return path | ({"slices": _items(values["task.slices"])} if "task.slices" in values else {})


def _show(comparisons: list[Comparison], form: str, content: dict[str, Any]) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    elif form == "csv":
        from prune.audit.document import as_csv

        sys.stdout.write(as_csv(comparisons))
    else:
        from prune.report.terminal.audit import draw_audits

        display(draw_audits(comparisons))


def _form(values: Mapping[str, str]) -> str:
    return one_of("audit", "format", values.get("format", "text"), _FORMATS)


def _paths(key: str, text: str) -> list[Path]:
    files = [Path(item) for item in _items(text)]
    if not files:
        raise UserError(f"prune audit: name the predictions of several models with {key}=[a.json,b.json]")
    return files


def _items(text: str) -> list[str]:
    """The items of `[a,b]`, or of `a`."""
    return [item.strip() for item in text.strip().removeprefix("[").removesuffix("]").split(",") if item.strip()]
