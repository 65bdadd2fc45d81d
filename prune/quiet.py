"""Keeps libraries from talking over the run's own messages."""

from __future__ import annotations

import datasets
import transformers


def libraries() -> None:
    """No progress bars and no notes of other packages; their errors remain."""
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
