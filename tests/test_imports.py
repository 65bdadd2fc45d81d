"""Imports go one way: masking <- criteria <- methods <- experiment; families import nothing, nobody imports cli."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "prune"
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(file):
    """Everything `file` imports, anywhere in it, as dotted names: modules, and names taken from modules."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(folder):
    return [file for file in FILES if file.is_relative_to(PACKAGE / folder)]


def within(name, *modules):
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def strangers(folder, *allowed):
    """Imports of `folder` from this package that are not within `allowed`."""
    names = {(file.name, name) for file in under(folder) for name in imported(file) if within(name, "prune")}
    return {(file, name) for file, name in names if not within(name, *allowed)}


def test_files_are_found():
    assert len(under("masking")) >= 7
    assert any("prune.masking.attach.attach" in imported(file) for file in FILES)


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("masking", ["prune.masking", "prune.models.sublayers", "prune.models.units"]),
        ("criteria", ["prune.masking", "prune.criteria", "prune.models.sublayers", "prune.runtime.registry"]),
        ("families", ["prune.families"]),
    ],
)
def test_a_part_imports_only_what_lies_below_it(folder, allowed):
    assert strangers(folder, *allowed) == set()


@pytest.mark.parametrize("folder", ["masking", "criteria"])
def test_the_mathematics_needs_torch_only(folder):
    roots = {name.split(".")[0] for file in under(folder) for name in imported(file)}
    assert roots - sys.stdlib_module_names <= {"torch", "prune"}


def test_families_need_nothing():
    roots = {name.split(".")[0] for file in under("families") for name in imported(file)}
    assert roots - sys.stdlib_module_names == {"prune"}


def test_nobody_imports_the_verbs():
    importers = {
        file.relative_to(PACKAGE).as_posix()
        for file in FILES
        if any(within(n, "prune.cli.commands") for n in imported(file))
    }
    assert {file for file in importers if not file.startswith("verbs/")} == {"cli.py"}


def test_nobody_but_main_imports_cli():
    importers = {
        file.relative_to(PACKAGE).as_posix()
        for file in FILES
        if any(within(n, "prune.cli.main") for n in imported(file))
    }
    assert importers == {"__main__.py"}


def test_one_file_knows_the_trainer():
    def knows(file):
        text = file.read_text()
        return "transformers.Trainer" in text.split() or any(
            name.startswith("transformers.") and name.endswith(".Trainer") for name in imported(file)
        )

    assert [file.relative_to(PACKAGE).as_posix() for file in FILES if knows(file)] == ["training/trainer.py"]
