"""Standard output and error that cannot fail: what a command computes is not lost to what it prints.

Whoever reads them may go away (`prune table | head -1`), the disk that they go to may be full, they may be closed, or
know ASCII only.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from prune.errors import UserError

READER_GONE = 141
"""The exit code of what a shell ends because nobody reads it."""


class Outlet(io.RawIOBase):
    """Where the bytes of a stream go; once they cannot, they are dropped."""

    def __init__(self, raw: io.RawIOBase):
        self._raw = raw
        self.problem: OSError | None = None
        """Why they cannot."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._raw.isatty()

    def fileno(self) -> int:
        return self._raw.fileno()

    def write(self, content: Any) -> int | None:
        if self.problem is None:
            try:
                return self._raw.write(content)
            except OSError as error:
                self.problem = error
        return len(content)


@contextmanager
def safe() -> Iterator[None]:
    """Makes both streams safe meanwhile, where they are the process's own."""
    _fill_closed()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _safe(sys.stdout, sys.__stdout__), _safe(sys.stderr, sys.__stderr__)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def settle() -> None:
    """Sends off what was printed.

    Raises:
        SystemExit: if whoever read standard output has gone.
        UserError: if it could not be written for another reason.
    """
    sys.stdout.flush()
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    problem = outlet.problem if isinstance(outlet, Outlet) else None
    if isinstance(problem, BrokenPipeError):
        sys.exit(READER_GONE)
    if problem is not None:
        raise UserError(f"what was to be shown could not be written: {problem.strerror}")


def _fill_closed() -> None:
    """Opens what was closed (`>&-`), so that no file takes its number and is written into by whoever prints."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _safe(stream: TextIO | None, own: TextIO | None) -> TextIO:
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if stream is not own or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)  # PYTHONUNBUFFERED has no buffer
    return io.TextIOWrapper(
        io.BufferedWriter(Outlet(raw)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
