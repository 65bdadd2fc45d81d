"""What the command prints may go nowhere, and it may be called from a folder that is gone: no crash, nothing lost."""

import io
import os
import subprocess
import sys

import pytest

from prune.files.paths import PACKAGE
from prune.runtime.streams import READER_GONE, Outlet
from tests.sweeps.pretended import DEMO

PRUNE = (sys.executable, "-m", "prune")
PRETENDED = """
import sys
from types import SimpleNamespace
from tests.sweeps import pretended
sys.modules["prune.pipeline.run"] = SimpleNamespace(run=pretended.run)
from prune.cli.main import main
main(sys.argv[1:])
"""


def ran(*line, cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
    """A process of the command; what it prints as bytes."""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | variables
    return subprocess.run(line, stdout=stdout, stderr=stderr, cwd=cwd, env=environment, check=False)


@pytest.fixture
def nobody():
    """A pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


ASCII = {"PYTHONIOENCODING": "ascii"}
OLD_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


LATIN = {"PYTHONIOENCODING": "latin-1"}
SHOWN, VERB, WORD = (["recipes", "demo"], 0), (["é"], 2), (["task.label=日本", "method=é"], 2)


@pytest.mark.parametrize(
    ("variables", "words", "code"),
    [(ASCII, *SHOWN), (ASCII, *WORD), (LATIN, *VERB), (OLD_LOCALE, *SHOWN), (OLD_LOCALE, *WORD)],
    ids=["ascii-ok", "ascii-word", "latin-verb", "C-ok", "C-word"],
)
def test_what_the_output_cannot_hold_is_shown_as_escapes(variables, words, code, tmp_path):
    result = ran(*PRUNE, *words, cwd=tmp_path, **variables)
    assert result.returncode == code
    assert b"Traceback" not in result.stderr
    assert (result.stdout if code == 0 else result.stderr).isascii() or variables is not ASCII


@pytest.mark.parametrize("words", [["--help"], ["recipes"]], ids=" ".join)
def test_a_reader_that_has_gone_ends_the_command_quietly(words, nobody, tmp_path):
    result = ran(*PRUNE, *words, cwd=tmp_path, stdout=nobody)
    assert (result.returncode, result.stderr) == (READER_GONE, b"")


def test_a_mistake_that_nobody_reads_has_its_code(nobody, tmp_path):
    assert ran(*PRUNE, "seed=a", cwd=tmp_path, stderr=nobody).returncode == 2


def test_runs_go_on_without_who_read_their_progress(nobody, tmp_path):
    words = ["-m", *DEMO, "method.penalty=1,2"]
    result = ran(sys.executable, "-c", PRETENDED, *words, cwd=tmp_path, stderr=nobody)
    assert result.returncode == 0
    assert len(list(tmp_path.rglob("record.json"))) == 2
    assert "penalty 2" in result.stdout.decode()


GOOD, MISTAKE = (["recipes"], 0), (["seed=a"], 2)


@pytest.mark.parametrize(
    ("closing", "words", "code"),
    [(">&-", *GOOD), ("2>&-", *MISTAKE), ("<&- >&- 2>&-", *GOOD), ("<&- >&- 2>&-", *MISTAKE)],
    ids=["out-good", "err-mistake", "all-good", "all-mistake"],
)
def test_closed_streams_are_no_crash(closing, words, code, tmp_path):
    result = ran("sh", "-c", f'exec "$@" {closing}', "sh", *PRUNE, *words, cwd=tmp_path)
    assert result.returncode == code
    assert b"Traceback" not in result.stderr


def test_a_full_disk_is_told(tmp_path):
    with open("/dev/full", "wb") as full:
        result = ran(*PRUNE, "recipes", cwd=tmp_path, stdout=full)
    assert result.returncode == 2
    assert result.stderr == b"prune: what was to be shown could not be written: No space left on device\n"


def test_an_outlet_drops_what_it_cannot_send():
    class Broken(io.RawIOBase):
        def write(self, content):
            raise BrokenPipeError

    outlet = Outlet(Broken())
    assert [outlet.write(b"abc"), outlet.write(b"d")] == [3, 1]
    assert isinstance(outlet.problem, BrokenPipeError)


def test_a_folder_that_is_gone_is_told(tmp_path):
    (tmp_path / "gone").mkdir()
    line = ("sh", "-c", 'rmdir ../gone && exec "$@"', "sh", *PRUNE, "model=demo")
    result = ran(*line, cwd=tmp_path / "gone")
    assert result.returncode == 2
    assert result.stderr.startswith(b"prune: the folder that this was called in is gone")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["--help"], ["recipes"]], ids=" ".join)
def test_a_home_is_not_needed_to_look_something_up(words, tmp_path):
    (home := tmp_path / "home").write_text("a file")
    assert ran(*PRUNE, *words, cwd=tmp_path, HOME=str(home)).returncode == 0
