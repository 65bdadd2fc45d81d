"""Writes the parts of the pages that follow from the project: `make docs-generate`, or `python -m docs.generate`.

A part stands between `<!-- generated: name -->` and `<!-- /generated -->`; a test compares it with what this writes.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from prune.config import keys, reference, schema
from prune.config.keys import choices
from prune.config.metadata import FINITE
from prune.config.reference import ReferenceConfig
from prune.config.schema import Config
from prune.files import strict_yaml
from prune.files.paths import PACKAGE
from prune.recipes import library
from prune.runtime import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PART = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- /generated -->)", flags=re.S)
ROOMS = (
    "errors", "runtime", "files", "config", "models", "masking", "compaction", "inference", "criteria", "measure",
    "budget", "published", "data", "tasks", "results", "training", "recipes", "pipeline", "methods", "audit", "overlap",
    "report", "validation", "composition", "sweeps", "cli",
)  # fmt: skip
"""From the bottom to the top."""


def pages() -> list[Path]:
    """README.md and all pages in docs/."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def generated(text: str) -> str:
    """`text` of a page, its generated parts as they follow from the project today."""
    return PART.sub(lambda part: f"{part[1]}\n{_part(part[2])}\n\n{part[3]}", text)


def _part(name: str) -> str:
    kind, *arguments = name.split()
    return PARTS[kind](*arguments).strip()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


# The configuration reference


def configuration() -> str:
    """A table for each section of the schema."""
    top = [field for field in fields(Config) if not is_dataclass(get_type_hints(Config)[field.name])]
    sections = [field for field in fields(Config) if field not in top]
    return "\n\n".join(
        [
            "## Top level\n\n" + _fields(Config, "", [field.name for field in top]),
            *(f"## `{s.name}`\n\n{_documented(Config)[s.name]}\n\n{_section(s.name)}" for s in sections),
        ]
    )


def _section(name: str) -> str:
    kind = get_type_hints(Config)[name]
    return _fields(kind, f"{name}.", [field.name for field in fields(kind)])


def _fields(kind: Any, prefix: str, names: Sequence[str]) -> str:
    return table(("key", "type", "default", "meaning"), _rows(kind, prefix, names))


def _rows(kind: Any, prefix: str, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    hints, default = get_type_hints(kind), kind()
    for name in names:
        meaning = _documented(kind)[name]
        if is_dataclass(hints[name]):
            nested = [field.name for field in fields(hints[name])]
            yield f"**`{prefix}{name}`**", "section", "", meaning
            yield from _rows(hints[name], f"{prefix}{name}.", nested)
        else:
            key = f"{prefix}{name}"
            bounds = f" Range: {keys.ranges()[key]}." if keys.ranges().get(key, FINITE) != FINITE else ""
            yield f"`{key}`", _type(hints[name]), _value(getattr(default, name)), meaning + bounds


def _type(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{choice.value}`" for choice in kind)
    name = kind.__name__ if isinstance(kind, type) and "[" not in str(kind) else str(kind)
    return (
        name.replace("typing.", "")
        .replace("None", "null")
        .replace("NoneType", "null")
        .replace(" | ", " or ")
        .replace("Any", "any")
    )


def _value(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


@cache
def _documented(kind: type) -> dict[str, str]:
    """Field of a schema's class -> the string below it."""
    modules = (schema.choices, schema.method, schema.run, schema.task, reference)
    trees = (ast.parse(Path(module.__file__).read_text("utf-8")) for module in modules if module.__file__)
    (body,) = [
        node.body
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    return {
        field.target.id: " ".join(string.value.value.split())
        for field, string in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(string, ast.Expr)
        and isinstance(string.value, ast.Constant)
        and isinstance(string.value.value, str)
    }


# Choices of the groups, parts, and rooms


def models() -> str:
    """The choices of `model=`."""
    rows = (
        (_choice("model", name), f"`{content['path']}`" if content["path"] else "yours", about)
        for name, content, about in _choices("model")
    )
    return table(("`model=`", "`model.path`", "what it is"), rows)


def tasks() -> str:
    """The choices of `task=`."""
    rows = (
        (_choice("task", name), f"`{content['kind']}`", ", ".join(content["metrics"]), about)
        for name, content, about in _choices("task")
    )
    return table(("`task=`", "kind", "metrics, the main one first", "what it is"), rows)


def methods() -> str:
    """The choices of `method=`."""
    rows = (
        (
            _choice("method", name),
            *(_site(content, site) for site in ("attention", "feed_forward")),
            content["finish"],
            about,
        )
        for name, content, about in _choices("method")
    )
    return table(("`method=`", "attention", "feed-forward", "finish", "what it is"), rows)


def schedules() -> str:
    """The choices of `schedule=`."""
    keys = ("dense_epochs", "epochs", "fill_epochs", "batch_size", "learning_rate", "start_from")
    rows = (
        (_choice("schedule", name), *(f"{content[key]}" for key in keys), about)
        for name, content, about in _choices("schedule")
    )
    return table(("`schedule=`", *(f"`{key}`" for key in keys), "what it is"), rows)


def criteria() -> str:
    """The files in prune/criteria/, and what they say of themselves."""
    return _parts("criteria", "criteria", "scores and what is kept")


def weight_saliencies() -> str:
    """The files in prune/criteria/weight_saliency/, and what they say of themselves."""
    return _parts("weight_saliencies", "criteria/weight_saliency", "what a weight is worth")


def _parts(kind: str, folder: str, about: str) -> str:
    files = ((name, PACKAGE / folder / f"{name}.py") for name in registry.names(kind))
    rows = ((f"[`{name}`](../prune/{folder}/{name}.py)", _docstring(file)) for name, file in files if file.is_file())
    return table(("criterion", about), rows)


def rooms() -> str:
    """The packages of prune/, from the bottom to the top."""
    rows = ((_room(name), _docstring(_file(name))) for name in ROOMS)
    return table(("room", "what is in it"), rows)


def _room(name: str) -> str:
    return f"[`{name}`](../{_file(name).relative_to(ROOT).as_posix()})"


def _file(room: str) -> Path:
    package = PACKAGE / room / "__init__.py"
    return package if package.is_file() else PACKAGE / f"{room}.py"


def _choice(group: str, name: str) -> str:
    return f"[`{name}`](../configs/{group}/{name}.yaml)"


def _choices(group: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, content and leading comment of each file of a group."""
    for name in choices(group):
        file = ROOT / "configs" / group / f"{name}.yaml"
        yield name, strict_yaml.read(file), " ".join(_comment(file))


def _site(content: dict[str, Any], name: str) -> str:
    """What a method prunes at a site, and by which criterion; a mask that is given has none."""
    site = content[name]
    if site["grain"] == schema.NO_GRAIN:
        return "stays"
    block = f" {' x '.join(map(str, site['block']))}" if site["grain"] == "block" else ""
    return ", ".join(filter(None, [site["grain"] + block, site["criterion"] or content.get("criterion")]))


def _comment(file: Path) -> Iterator[str]:
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            return
        if not line.startswith("# @package"):
            yield line.removeprefix("#").strip()


def _docstring(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


# Recipes and what they promise


def zoo() -> str:
    """All recipes that ship, by task."""
    by_task: dict[str, list[str]] = {}
    for name in _recipes():
        by_task.setdefault(library.choices_of(_recipe(name))["task"], []).append(name)
    columns = ("recipe", "method", "score", "density", "speed-up", "reference", "command")
    return "\n\n".join(f"## {task}\n\n{table(columns, map(_zoo_row, names))}" for task, names in by_task.items())


def _zoo_row(name: str) -> tuple[str, ...]:
    promise = library.promise_of(name)
    score, density = _score(promise), promise.linear_density
    return (
        f"[{name}](../recipes/{name}.yaml)",
        _method(name),
        f"{score[0]} {score[1]}" if score else "",
        f"{density:.2f}" if density else "",
        _speedup(promise),
        _linked(promise.source, ""),
        f"`prune recipe={name}`",
    )


def results(folder: str) -> str:
    """What the recipes of a folder promise."""
    named = [name for name in _recipes() if name.partition("/")[0] == folder]
    given = [name for name in named if library.promise_of(name).is_given]
    columns = ("recipe", "method", "metric", "dense", "density", "speed-up", "measured on", "source")
    return _without_empty_columns(columns, [_result_row(name) for name in given])


def _without_empty_columns(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    used = [number for number in range(len(columns)) if any(row[number] for row in rows)]
    return table([columns[number] for number in used], ([row[number] for number in used] for row in rows))


def _result_row(name: str) -> tuple[str, ...]:
    promise = library.promise_of(name)
    metric, value = _score(promise) or ("", "")
    dense = next((scores[metric] for scores in promise.dense_scores.values() if metric in scores), None)
    return (
        f"[{name.partition('/')[2]}](../../recipes/{name}.yaml)",
        _method(name),
        f"{metric} {value}".strip(),
        f"{100 * dense:.2f}" if dense else "",
        f"{promise.linear_density:.3f}" if promise.linear_density else "",
        _speedup(promise),
        ", ".join(filter(None, (promise.hardware, promise.measured))),
        _linked(promise.source, "results/"),
    )


def _recipes() -> list[str]:
    """Names of all recipes, numbers in them ordered as numbers."""
    return sorted(library.names(), key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])


@cache
def _recipe(name: str) -> dict[str, Any]:
    return library.read(library.find(name))


def _method(name: str) -> str:
    """Method of a recipe, and how hard it prunes."""
    content = _recipe(name)
    choice, method = library.choices_of(content)["method"], content.get("method", {})
    strengths = [f"{key} {_list(method[key])}" for key in ("penalty", "density", "rounds", "layers") if key in method]
    targets = [f"{key} {_list(value)}" for key, value in content.get("target", {}).items()]
    return ", ".join([choice, *strengths, *targets])


def _list(value: Any) -> str:
    return " / ".join(f"{one:g}" for one in value) if isinstance(value, list) else f"{value:g}"


def _score(promise: ReferenceConfig) -> tuple[str, str] | None:
    if promise.main_score is None:
        return None
    metric, value = promise.main_score
    return metric, f"{100 * value:.2f}"


def _speedup(promise: ReferenceConfig) -> str:
    return f"{promise.speedup:.2f}x" if promise.speedup else ""


def _linked(source: str, folder: str) -> str:
    """The source of a reference, where it is a page a link to it, seen from a page in `folder` of docs/."""
    page = re.search(r"docs/([\w/]+\.md)", source)
    if page is None:
        return source
    target = page[1].removeprefix(folder)
    return source.replace(page[0], f"[{Path(page[1]).stem}]({target})")


PARTS: dict[str, Callable[..., str]] = {
    part.__name__: part
    for part in (configuration, models, tasks, methods, schedules, criteria, weight_saliencies, rooms, zoo, results)
}


def main() -> None:
    """Writes all pages anew."""
    for page in pages():
        text = page.read_text("utf-8")
        if (new := generated(text)) != text:
            page.write_text(new, "utf-8")
            print(f"{page.relative_to(ROOT)}: written")


if __name__ == "__main__":
    main()
