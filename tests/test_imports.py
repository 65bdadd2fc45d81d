"""Imports go one way, from room to room as docs/generate.py lists them; and what must stay light does."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from docs.generate import ROOMS
from prune.runtime import registry

PACKAGE = Path(__file__).parents[1] / "prune"
FILES = sorted(PACKAGE.rglob("*.py"))
LOOSE = {"__init__.py", "__main__.py", "errors.py"}


def module_of(file):
    """The dotted name of a file."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def imported(file):
    """Everything `file` imports, anywhere in it, for types only, too, as dotted names of modules and of their names."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level and node.module == "token_pooling":  # of two files that travel with a model
                yield "prune.compaction.token_pooling"
                continue
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(file):
    """The modules of this package that `file` imports."""
    for name in imported(file):
        if name.partition(".")[0] == "prune":
            yield name if name in MODULES else name.rpartition(".")[0]


def room_of(module):
    return module.split(".")[1] if "." in module else ""


def external(*rooms):
    """Names of other packages that rooms import."""
    files = (file for file in FILES if room_of(module_of(file)) in rooms)
    roots = {name.partition(".")[0] for file in files for name in imported(file)}
    return roots - sys.stdlib_module_names - {"prune"}


def test_every_room_has_its_place():
    assert {path.name for path in PACKAGE.glob("*.py")} == LOOSE
    rooms = {room_of(module) for module in MODULES} - {"", "__main__", "demo"}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_those_below(room):
    below = {"", *ROOMS[: ROOMS.index(room) + 1]}
    above = {
        (module, name)
        for module, file in MODULES.items()
        if room_of(module) == room
        for name in own_imports(file)
        if room_of(name) not in below
    }
    assert above == set()


def test_no_file_imports_itself_by_way_of_others():
    graph = {module: set(own_imports(file)) - {module} for module, file in MODULES.items()}
    cycle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = error.args[1]
    assert cycle == []


@pytest.mark.parametrize(
    ("rooms", "packages"),
    [
        (("errors",), set()),
        (("masking", "criteria"), {"torch"}),
        (("config",), {"omegaconf"}),
    ],
)
def test_some_rooms_need_little(rooms, packages):
    assert external(*rooms) <= packages


def test_families_need_nothing():
    files = [file for file in FILES if file.parent == PACKAGE / "models" / "families"]
    roots = {name.partition(".")[0] for file in files for name in imported(file)}
    assert roots - sys.stdlib_module_names == {"prune"}


def test_one_file_knows_the_trainer():
    def knows(file):
        return any(name.startswith("transformers.") and name.endswith(".Trainer") for name in imported(file))

    assert [module for module, file in MODULES.items() if knows(file)] == ["prune.training.trainer"]


@pytest.mark.parametrize(
    ("kind", "folder", "assigned"),
    [
        ("criteria", "criteria", "CRITERION"),
        ("saliencies", "criteria/saliency", "SALIENCY"),
        ("methods", "methods", "METHOD"),
        ("families", "models/families", "FAMILY"),
        ("tasks", "tasks", "TASK"),
    ],
)
def test_what_is_found_by_name_is_what_assigns_itself(kind, folder, assigned):
    starts = (f"{assigned} = ", f'__all__ = ["{assigned}"]')  # or hands on what another file assigns
    files = [*(PACKAGE / folder).glob("*.py"), *(PACKAGE / folder).glob("*/__init__.py")]
    parts = {
        (file.parent if file.name == "__init__.py" else file).stem
        for file in files
        if any(line.startswith(starts) for line in file.read_text().splitlines())
    }
    special = registry.names("saliencies") if kind == "criteria" else []
    assert sorted({*parts, *special}) == registry.names(kind)
