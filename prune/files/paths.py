"""Where things that a config names are: a local folder, a folder that ships with the package, or the hub."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_SHIPPED = "pkg://"


def locate(name: str) -> Path | None:
    """The folder that `name` means, whether it exists or not; None for a name on the hub.

    `pkg://demo/data` ships with this package; an empty name means nothing. A name is a folder if such a folder exists,
    or if it cannot be a hub name (`owner/name` or `name`).
    """
    if name.startswith(_SHIPPED):
        return PACKAGE / name.removeprefix(_SHIPPED)
    if not name:
        return None
    path = expanded(name)
    looks_local = path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1 or name.endswith("/")
    return path if looks_local or is_folder(path) else None


def last_part(name: str) -> str:
    """What a folder, or a repository on the hub, is called without what it lies in; empty where nothing is named."""
    folder = locate(name)
    return Path(name).name if folder is None else (Path.cwd() / folder).name


def expanded(name: str) -> Path:
    """The path that `name` means; `~` stays where nobody has such a home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; there is none with a name that no file can have."""
    try:
        return path.is_dir()
    except OSError:
        return False


def in_the_way(path: Path) -> Path | None:
    """What stands where `path` needs a folder, and is none."""
    try:
        there = next((one for one in (path, *path.parents) if one.exists()), None)
    except OSError:  # nobody may look there
        return None
    return None if there is None or there.is_dir() else there


def shipped(folder: str) -> Path:
    """A folder of YAML files: beside the package in a checkout, inside it in an installed wheel."""
    inside = PACKAGE / "shipped" / folder
    return inside if inside.is_dir() else PACKAGE.parent / folder


def cache_folder() -> Path:
    """This user's folder for what is made once per machine; where there is no home, one for temporary files."""
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "prune"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "prune"
