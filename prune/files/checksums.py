"""Seals: what a finished stage left holds the digests of its files and of itself, so that damage is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune.errors import UserError

_FILES, _SEAL = "files", "seal"
_CHUNK = 1 << 20


class Damaged(UserError):
    """A file is not as it was left."""


def sealed(report: Mapping[str, Any], files: Path) -> str:
    """The text of `report`, with digests of all that lies in the folder `files`."""
    content = {**report, _FILES: {name: _digest(files / name) for name in _names(files)}}
    return json.dumps({**content, _SEAL: _seal(content)}, indent=1) + "\n"


def unsealed(file: Path, files: Path) -> dict[str, Any] | None:
    """The report that `file` holds, and None where it is not there. One from before there were seals has none.

    Raises:
        Damaged: if it, or a file in the folder `files`, is not as it was left.
    """
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"{file} cannot be read ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise Damaged(f"{file} is no report of a stage")
    is_older = not content.keys() & {_FILES, _SEAL} and isinstance(content.get("data"), dict)
    if not is_older and content.pop(_SEAL, None) != _seal(content):
        raise Damaged(f"{file} is not as it was left")
    for name, digest in content.pop(_FILES, {}).items():
        _check(files / name, digest)
    return content


def _check(file: Path, digest: str) -> None:
    try:
        found = _digest(file)
    except OSError as error:
        raise Damaged(f"{file} cannot be read ({error.strerror})") from error
    if found != digest:
        raise Damaged(f"{file} is not as it was left")


def _names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
