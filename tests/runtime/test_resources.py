"""A full disk, a limit on files and too little memory are told as such, whichever library noticed."""

import errno
import os
import resource
import subprocess
import sys

import pytest
import torch
from safetensors import SafetensorError

from prune.data import checks
from prune.errors import UserError
from prune.files.atomic import check_writable, write_at_once
from prune.files.paths import PACKAGE
from prune.runtime import resources
from prune.runtime.resources import exhausted, require_room, writing

NO_ROOM = {
    "disk": OSError(errno.ENOSPC, "No space left on device", "weights"),
    "limit": OSError(errno.EFBIG, "File too large"),
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "safetensors": SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    "torch": RuntimeError("[enforce fail at inline_container.cc:664] . PytorchStreamWriter failed: file write failed"),
}
NO_MEMORY = {
    "python": MemoryError(),
    "system": OSError(errno.ENOMEM, "Cannot allocate memory"),
    "torch": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "threads": RuntimeError("can't start new thread"),
}
OTHER = [ValueError("a value"), OSError(errno.ENOENT, "No such file or directory", "a"), RuntimeError("shapes differ")]


@pytest.mark.parametrize("kind", NO_ROOM)
def test_no_room_names_the_file_and_what_it_takes(tmp_path, kind):
    with pytest.raises(UserError) as caught, writing(tmp_path / "weights", need=12_345_678):
        raise NO_ROOM[kind]
    assert str(tmp_path / "weights") in str(caught.value)
    assert "it takes 12.3 MB" in str(caught.value)
    assert "are free there" in str(caught.value)


@pytest.mark.parametrize("kind", NO_MEMORY)
def test_too_little_memory_says_what_takes_less(kind):
    assert "schedule.batch_size" in str(exhausted(NO_MEMORY[kind]))


def test_a_cause_counts_and_what_was_set_aside_does_not():
    try:
        try:
            raise NO_ROOM["disk"]
        except OSError as error:
            raise ValueError("cannot save") from error
    except ValueError as error:
        assert "weights cannot be written" in str(exhausted(error))
    try:
        try:
            raise NO_ROOM["disk"]
        except OSError:
            raise ValueError("something else") from None
    except ValueError as error:
        assert exhausted(error) is None


@pytest.mark.parametrize("error", OTHER)
def test_other_errors_stay_what_they_are(error):
    assert exhausted(error) is None
    with pytest.raises(type(error)), writing(PACKAGE):
        raise error


def test_room_is_asked_for_before_anything_is_written(tmp_path):
    require_room(tmp_path / "not" / "there" / "yet", 1, "checkpoints")
    with pytest.raises(UserError, match=r"checkpoints take up to 1,000,000,000,000.0 MB"):
        require_room(tmp_path, 10**18, "checkpoints")


def test_a_real_limit_leaves_the_old_file_and_no_other(tmp_path):
    """In a process of its own, whose files may not be longer than 4 kB."""
    file = tmp_path / "table.md"
    write_at_once(file, "old")
    program = (
        "import sys\nfrom pathlib import Path\nfrom prune.errors import UserError\n"
        "from prune.results.layout import write_at_once\n"
        "try: write_at_once(Path(sys.argv[1]), 'x' * 9000)\n"
        "except UserError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "table.md cannot be written (File too large): it takes 9.0 kB" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["table.md"]
    assert file.read_text() == "old"


def test_a_cache_that_cannot_be_written_is_named_and_not_the_data(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(checks, "HF_DATASETS_CACHE", tmp_path / "file" / "datasets")
    with pytest.raises(UserError, match=r"HF_DATASETS_CACHE=.*cannot write there.*HF_HOME"):
        checks.check_cache()


def test_outputs_that_are_a_file_are_refused(tmp_path):
    (tmp_path / "outputs").write_text("")
    with pytest.raises(UserError, match=r"outputs=.*cannot write there"):
        check_writable(str(tmp_path / "outputs"))


def test_no_free_space_is_told_where_it_is_not_known(monkeypatch):
    monkeypatch.setattr(resources, "_free", lambda _: None)
    assert str(exhausted(NO_ROOM["limit"])) == (
        "a file cannot be written (File too large). Make room, or raise the limit on files; the same command goes on "
        "from what is finished"
    )
