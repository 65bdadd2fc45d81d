"""Runs without a result: each leaves in its folder why it has none."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prune.errors import UserError
from prune.files import confined
from prune.files.atomic import write_at_once
from prune.files.locks import is_held
from prune.results.layout import RunFolder, StageFolder, find_unfinished
from prune.runtime.sanitize import shown

REFUSED, FAILED, GOING_ON, INTERRUPTED = "refused", "failed", "going on", "interrupted"
"""By an error that its user can mend; by any other; a process works on it; stopped or killed."""
_LARGEST = 1_000_000
"""Bytes of the file that says why."""
_MOST = 600
"""Characters of a reason that are shown."""


@dataclass(frozen=True)
class Status:
    """How a run without a record stands; it has a reason where it was refused or failed."""

    state: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.reason}" if self.reason else self.state


def unfinished_runs(outputs: Path) -> dict[Path, Status]:
    """All runs under `outputs` that have left something, but no record: their folders relative to it."""
    return {folder.relative_to(outputs): status_of(folder) for folder in find_unfinished(outputs)}


def status_of(folder: Path) -> Status:
    """Of the run in `folder`, which has no record."""
    run, lock = RunFolder(folder), StageFolder(folder.absolute()).lock
    if is_held(lock.parent, lock):
        return Status(GOING_ON)
    if not (reason := _reason(run)):
        return Status(INTERRUPTED)
    refusal = reason.removeprefix(f"{REFUSED}: ")
    return Status(FAILED if refusal == reason else REFUSED, shown(refusal, _MOST))


def passes(folder: Path, filters: Mapping[str, str]) -> bool:
    """Whether a run's folder, relative to that of outputs, is what `filters` let through: field -> its values,
    separated by commas."""
    *names, _, seed = folder.parts
    values = dict(zip(("task", "model", "method"), names, strict=True)) | {"seed": seed.removeprefix("seed_")}
    return all(values[field] in (text, *map(str.strip, text.split(","))) for field, text in filters.items())


def leave_reason(run: RunFolder, error: Exception) -> None:
    """Writes why the run has no result into its folder, while `error` is handled; with the traceback, unless it is a
    user's. What cannot be written is left: the error itself is what matters."""
    told = f"{REFUSED}: {error}" if isinstance(error, UserError) else f"{reason_of(error)}\n\n{traceback.format_exc()}"
    with suppress(OSError, UserError):
        write_at_once(run.error, f"{told}\n".encode("utf-8", "backslashreplace"))


def forget_reason(run: RunFolder) -> None:
    """Removes what an earlier attempt left, where it can be."""
    with suppress(OSError):
        run.error.unlink()


def reason_of(error: BaseException) -> str:
    """An unexpected error in a line."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _reason(run: RunFolder) -> str:
    """The first paragraph of what it left; empty where that is nothing that can be read."""
    try:
        return " ".join(confined.read_text(run.path, run.error, _LARGEST).partition("\n\n")[0].split())
    except (OSError, ValueError):
        return ""
