"""The pages of the documentation: links lead somewhere, commands are valid, generated parts are up to date."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from docs.generate import DOCS, PART, ROOMS, ROOT, generated, pages
from prune.cli import commands
from prune.composition.compose import compose_and_call
from prune.config.keys import GROUPS, known_keys
from prune.errors import UserError

PAGES = pages()
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]
CODE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.S | re.M)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", flags=re.M)
TODAY = [page for page in PAGES if page.parent != DOCS / "log"]
"""The log tells of commands as they were."""
FOLDER = re.compile(r"<[\w -]+>")
COLLEAGUES = "./from_a_colleague.yaml"


def anchor(heading):
    """The anchor of a heading, as code hosts and MkDocs make it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def anchors(page):
    return {anchor(heading) for heading in HEADING.findall(CODE.sub("", page.read_text()))}


def problem_of(page, link):
    """What is wrong with a link of `page`, if anything is."""
    target, _, place = link.partition("#")
    file = (page.parent / target).resolve() if target else page
    if not file.is_file() or not file.is_relative_to(ROOT):
        return f"{link}: there is no such file"
    if place and place not in anchors(file):
        return f"{link}: {file.name} has no such heading"
    return None


def commands_of(page):
    """The words of each `prune` command in the shell code of `page`; `folder` where it asks for one."""
    code = "\n".join(text for language, text in CODE.findall(page.read_text()) if language == "bash")
    for line in FOLDER.sub("folder", code).replace("\\\n", "").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["prune"]:
            yield words[1:]
        elif "prune" in words and "-m" in words:  # torchrun
            yield words[words.index("prune") + 1 :]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_what_a_page_links_to_is_there(page):
    links = [link for link in LINK.findall(CODE.sub("", page.read_text())) if not link.startswith("https://")]
    assert [problem for link in links if (problem := problem_of(page, link))] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_what_is_generated_is_as_the_project_is(page):
    text = page.read_text()
    assert generated(text) == text, "run `make docs-generate`"


@pytest.mark.parametrize(
    "name", ["configuration", "zoo", "models", "tasks", "methods", "criteria", "schedules", "rooms"]
)
def test_each_part_is_in_one_page(name):
    assert [part for page in PAGES for _, part, _ in PART.findall(page.read_text())].count(name) == 1


def test_every_room_is_listed():
    packages = {path.parent.name for path in (ROOT / "prune").glob("*/__init__.py")}
    assert set(ROOMS) - {"errors"} == packages - {"demo"}


def test_every_page_is_in_the_navigation():
    def files(entry):
        if isinstance(entry, str):
            return [entry]
        return [file for part in (entry.values() if isinstance(entry, dict) else entry) for file in files(part)]

    nav = files(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(nav) == sorted(["index.md", *(page.relative_to(DOCS).as_posix() for page in PAGES[1:])])


def test_a_row_of_the_readme_stands_in_the_results():
    results = "".join(page.read_text() for page in (DOCS / "results").glob("*.md"))
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| minilm")]
    assert rows
    assert [row for row in rows if row not in results] == []


def test_a_benchmark_is_there():
    named = {name for page in PAGES for name in re.findall(r"-m\s+benchmarks\.(\w+)", page.read_text())}
    assert named
    assert [name for name in sorted(named) if not (ROOT / "benchmarks" / f"{name}.py").is_file()] == []


def test_a_make_target_is_there():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.M)
    named = {name for page in TODAY for name in re.findall(r"`make ([\w-]+)", page.read_text())}
    assert "docs-generate" in named
    assert sorted(named - set(targets)) == []


@pytest.mark.parametrize("page", TODAY, ids=[page.relative_to(ROOT).as_posix() for page in TODAY])
def test_a_command_can_be_said(page, tmp_path, monkeypatch):
    """Verbs, keys, groups and recipes are there; values where a single run is composed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / COLLEAGUES).write_text((ROOT / "recipes" / "demo.yaml").read_text())
    for words in commands_of(page):
        assert problem_of_command(words) is None


def problem_of_command(words):
    verb, assignments = words[0], [word for word in words if "=" in word]
    if verb[0] != "-" and "=" not in verb:
        return None if Path(commands.__file__).with_name(f"{verb}.py").is_file() else f"there is no verb {verb}"
    known = [*GROUPS, "recipe", *known_keys()]
    keys = {word: word.partition("=")[0] for word in assignments if not word.startswith(("hydra", "model.shape."))}
    if unknown := [word for word, key in keys.items() if key not in known]:
        return f"there is no key {unknown}" if verb != "-sc" else None
    if verb[0] == "-":
        return None
    try:
        compose_and_call(words, lambda config: config)
    except UserError as error:
        return str(error)
    return None


def test_a_broken_link_and_a_wrong_command_are_found(tmp_path):
    page = DOCS / "page.md"
    assert problem_of(page, "nowhere.md") is not None
    assert problem_of(page, "../README.md#no-such-heading") is not None
    assert problem_of(page, "../README.md") is None
    assert problem_of_command(["method.penallty=3"]) is not None
    assert problem_of_command(["tabel", "outputs"]) is not None
    assert problem_of_command(["method.density=7"]) is not None
    assert problem_of_command(["method.penalty=3"]) is None
