"""Reading and writing in folders that others may have filled: no link leads out of them, and no file is a trap."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from prune.files.atomic import write_at_once

LARGEST = 50_000_000
"""Most bytes of a file that is read at once."""


def check(root: Path, path: Path) -> None:
    """Raises OSError if links, or a name, lead `path` out of `root`."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise OSError(errno.EPERM, f"it leads out of {root}", str(path))


def check_file(root: Path, file: Path) -> None:
    """The same, and if it is no file but a folder, a pipe or a device, or not there."""
    check(root, file)
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(file))


def read_bytes(root: Path, file: Path, most: int = LARGEST) -> bytes:
    """The content of a file below `root`.

    Raises:
        OSError: if it is no file there, cannot be read, or has more than `most` bytes.
    """
    check_file(root, file)
    with file.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", str(file))
    return content


def read_text(root: Path, file: Path, most: int = LARGEST) -> str:
    """The same as text.

    Raises:
        OSError, ValueError: likewise, and if it is not UTF-8.
    """
    return read_bytes(root, file, most).decode("utf-8-sig").replace("\r\n", "\n")


def read_json(root: Path, file: Path, most: int = LARGEST) -> Any:
    """The same as JSON.

    Raises:
        OSError, ValueError: likewise, and if it is no JSON, or too deep.
    """
    content = read_bytes(root, file, most)
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is too deep") from None


def write(root: Path, file: Path, content: str | bytes) -> None:
    """Writes a file below `root` at once; what is there of this name, a link too, is replaced.

    Raises:
        OSError: if its folder is not below `root`, or cannot be written in.
    """
    check(root, file.parent)
    write_at_once(file, content)
