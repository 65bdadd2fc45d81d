"""Keeps libraries from talking over the run's own messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import datasets
import transformers


@contextmanager
def progress_bars(shown: bool) -> Iterator[None]:
    """Lets `datasets` show its progress bars meanwhile."""
    if shown:
        datasets.enable_progress_bars()
    try:
        yield
    finally:
        datasets.disable_progress_bars()


def libraries() -> None:
    """No progress bars and no notes of other packages; their errors remain."""
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
