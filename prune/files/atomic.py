"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from prune.errors import UserError
from prune.runtime.resources import writing


def write_at_once(file: Path, content: str | bytes) -> None:
    """Writes a file so that a reader finds the old or the new content, never a part.

    Raises:
        UserError: if there is no room for it.
    """
    raw = content.encode() if isinstance(content, str) else content
    with writing(file, len(raw)):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        except OSError as error:  # which names a file that nobody knows
            raise OSError(error.errno, error.strerror, str(file)) from error
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def check_writable(path: str, key: str = "outputs", advice: str = "Name another folder") -> None:
    """Makes a folder, which the user names with `key`.

    Raises:
        UserError: if it cannot be made or written in.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{key}={path}: cannot write there ({error.strerror}). {advice}") from error
