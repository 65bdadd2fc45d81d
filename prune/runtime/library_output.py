"""Keeps libraries from talking over the run's own messages."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import datasets


@contextmanager
def progress_bars(shown: bool) -> Iterator[None]:
    """Lets `datasets` show its progress bars meanwhile."""
    if shown:
        datasets.enable_progress_bars()
    try:
        yield
    finally:
        datasets.disable_progress_bars()


@contextmanager
def exporters() -> Iterator[None]:
    """Keeps torch's and transformers' exporters meanwhile from telling each of their steps."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def of_datasets() -> None:
    """No progress bars of `datasets`, and nothing that its exceptions say as well."""
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)


def libraries() -> None:
    """No progress bars and no notes of other packages; their errors remain."""
    import transformers

    of_datasets()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
