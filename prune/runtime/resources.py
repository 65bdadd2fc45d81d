"""Disk or memory that has run out, as an error that a user can act on. Imports nothing heavy."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prune.errors import UserError, first_line

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_SAID = re.compile(
    rf"[^:]*\(os error ({'|'.join(map(str, _NO_ROOM))})\)|No space left on device|File too large|Disk quota exceeded"
    "|file write failed"
)
"""As libraries say it whose errors hold no number: safetensors, torch, pyarrow."""
_NO_MEMORY_SAID = re.compile(
    rf"os error {errno.ENOMEM}\b|Cannot allocate memory|can't allocate memory|std::bad_alloc|out of memory"
    "|can't start new thread"
)


def exhausted(error: BaseException, where: Path | None = None, need: int | None = None) -> UserError | None:
    """What to tell the user where `error` comes from a full disk, a limit on files or too little memory; else None.

    Args:
        where: The file or folder that was being written.
        need: Bytes that it takes.
    """
    causes = list(_causes(error))
    if reason := next(filter(None, map(_no_room, causes)), None):
        named = next((cause.filename for cause in causes if isinstance(cause, OSError) and cause.filename), None)
        return _not_written(where or (Path(str(named)) if named else None), reason, need)
    if any(_is_no_memory(cause) for cause in causes):
        return UserError(
            f"there is not enough memory ({type(error).__name__}: {first_line(error)}). Less is taken by a smaller "
            "schedule.batch_size, schedule.eval_batch_size or task.max_length; the same command goes on from what is "
            "finished"
        )
    return None


@contextmanager
def writing(where: Path, need: int | None = None) -> Iterator[None]:
    """Says which file or folder had no room meanwhile, and what it takes.

    Raises:
        UserError: in the place of an error by a full disk or a limit on files.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if (detail := exhausted(error, where, need)) is None:
            raise
        raise detail from error


def require_room(folder: Path, need: int, what: str) -> None:
    """Raises UserError if the disk of `folder` has less than `need` bytes free for `what`."""
    if (free := _free(folder)) is not None and free < need:
        raise UserError(
            f"{folder}: {what} take up to {_size(need)} there, and {_size(free)} are free. Make room, or "
            "name another folder with outputs="
        )


def _not_written(where: Path | None, reason: str, need: int | None) -> UserError:
    free = _free(where) if where is not None else None
    figures = [f"it takes {_size(need)}"] if need is not None else []
    figures += [f"{_size(free)} are free there"] if free is not None else []
    detail = f": {' and '.join(figures)}" if figures else ""
    return UserError(
        f"{where or 'a file'} cannot be written ({reason}){detail}. Make room, or raise the limit on files; the same "
        "command goes on from what is finished"
    )


def _free(path: Path) -> int | None:
    for folder in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def _no_room(error: BaseException) -> str | None:
    """Why a file could not be written, if it was for lack of room."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror if error.errno in _NO_ROOM else None
    said = _NO_ROOM_SAID.search(str(error))
    return said[0].strip() if said else None


def _is_no_memory(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or _NO_MEMORY_SAID.search(str(error)) is not None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _size(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 1e5 else f"{number / 1e3:.1f} kB"
