"""How a run without a record stands, as its folder says."""

import os

import pytest
from filelock import FileLock

from prune.results.unfinished import status_of, unfinished_runs

WORDS = {
    "refused: the loss is not finite\n": "refused: the loss is not finite",
    "refused: two\nproblems\n": "refused: two problems",
    "ValueError: loss is nan\n\nTraceback ...": "failed: ValueError: loss is nan",
    "\x1b[2J\u202e<b>\x00": "failed: \\x1b[2J\\u202e<b>\\x00",
    "": "interrupted",
}


@pytest.fixture
def folder(tmp_path):
    """Of a run that has begun."""
    found = tmp_path / "outputs" / "sst2" / "small" / "hybrid" / "a" / "seed_0"
    found.mkdir(parents=True)
    return found


@pytest.mark.parametrize("text", WORDS)
def test_a_reason_is_told_as_it_was_left_and_is_inert(text, folder):
    (folder / "error.txt").write_text(text)
    assert str(status_of(folder)) == WORDS[text]


def test_a_long_reason_is_cut(folder):
    (folder / "error.txt").write_text("x" * 10_000)
    assert len(str(status_of(folder))) < 1000


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "no text", "huge", "none"])
def test_a_file_that_tells_no_reason_is_none(kind, folder, tmp_path):
    file = folder / "error.txt"
    (tmp_path / "secret").write_text("secret")
    make = {
        "pipe": lambda: os.mkfifo(file),
        "folder": file.mkdir,
        "link": lambda: file.symlink_to(tmp_path / "secret"),
        "no text": lambda: file.write_bytes(b"\xff"),
        "huge": lambda: file.write_text("x" * 2_000_000),
        "none": lambda: None,
    }
    make[kind]()
    assert str(status_of(folder)) == "interrupted"


def test_a_run_that_a_process_works_on_is_going_on(folder):
    lock = folder.with_name("seed_0.lock")
    with FileLock(lock):
        assert str(status_of(folder)) == "going on"
    assert str(status_of(folder)) == "interrupted"
    lock.unlink(missing_ok=True)
    lock.symlink_to("/dev/full")
    assert str(status_of(folder)) == "interrupted"


def test_a_run_is_asked_for_from_its_own_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "error.txt").write_text("refused: no room\n")
    assert str(status_of(folder.relative_to(folder))) == "refused: no room"


def test_all_runs_of_a_folder_are_found(folder):
    (folder.with_name("seed_1.lock")).touch()
    (folder.with_name("seed_2")).mkdir()
    (folder.with_name("seed_2") / "record.json").touch()
    outputs = folder.parents[4]
    assert [run.name for run in unfinished_runs(outputs)] == ["seed_0", "seed_1"]
