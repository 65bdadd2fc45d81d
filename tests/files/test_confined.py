"""Reading and writing in folders that others have filled."""

import os

import pytest

from prune.files import confined


@pytest.fixture
def root(tmp_path):
    """A folder, and beside it a file and a folder that are not its own."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("mine")
    (tmp_path / "root" / "in").mkdir(parents=True)
    return tmp_path / "root"


def trap(root, name):
    """A file that is none, or another's."""
    file = root / name
    if name == "pipe":
        os.mkfifo(file)
    elif name == "folder":
        file.mkdir()
    else:
        file.symlink_to({"link": root.parent / "other" / "file", "device": "/dev/zero", "loop": file}.get(name, "gone"))
    return file


@pytest.mark.parametrize("name", ["pipe", "folder", "link", "device", "loop", "dangling"])
def test_what_is_no_file_of_the_folder_is_not_read(root, name):
    with pytest.raises(OSError):
        confined.read_bytes(root, trap(root, name))


@pytest.mark.parametrize("name", ["../other/file", "in/../../other/file"])
def test_a_name_does_not_lead_out(root, name):
    with pytest.raises(OSError, match="leads out"):
        confined.read_bytes(root, root / name)
    with pytest.raises(OSError, match="leads out"):
        confined.write(root, root / name, "theirs")
    assert (root.parent / "other" / "file").read_text() == "mine"


def test_a_linked_folder_is_not_written_in(root):
    (root / "figures").symlink_to(root.parent / "other")
    with pytest.raises(OSError, match="leads out"):
        confined.write(root, root / "figures" / "file", b"theirs")
    assert [file.name for file in (root.parent / "other").iterdir()] == ["file"]


def test_a_linked_file_is_replaced_not_followed(root):
    file = trap(root, "link")
    confined.write(root, file, b"\x89PNG")
    assert file.read_bytes() == b"\x89PNG"
    assert (root.parent / "other" / "file").read_text() == "mine"


def test_links_within_the_folder_and_to_it_are_followed(root):
    (root / "in" / "file").write_text("one\r\ntwo")
    (root / "link").symlink_to("in/file")
    (root.parent / "alias").symlink_to(root)
    assert confined.read_text(root, root / "link") == "one\ntwo"
    assert confined.read_bytes(root.parent / "alias", root / "link") == b"one\r\ntwo"


def test_a_file_that_is_too_large_is_not_read(root):
    (root / "file").write_text("12345")
    assert confined.read_bytes(root, root / "file", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        confined.read_bytes(root, root / "file", 4)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"", b"\xff\xfe\xfd"])
def test_what_is_no_json_is_a_value_error(root, content):
    (root / "file").write_bytes(content)
    with pytest.raises(ValueError):
        confined.read_json(root, root / "file")
