"""What columns and predictions are looked through for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
from datasets.config import HF_DATASETS_CACHE

from prune.errors import UserError
from prune.files.atomic import check_writable


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def check_text(where: str, column: str, values: pa.ChunkedArray) -> None:
    """Raises a UserError if the column holds anything but text."""
    if not is_text(values.type):
        raise UserError(f"{where}: the column {column!r} holds {values.type}, not text")


def is_number(value: Any) -> bool:
    """Whether a prediction, as JSON has it, is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def nulls(values: pa.ChunkedArray) -> list[int]:
    """The rows in which a column holds nothing."""
    return [int(row) for row in np.flatnonzero(values.is_null().to_numpy())]


def check_cache() -> None:
    """Raises a UserError where `datasets` cannot keep what it reads."""
    check_writable(str(HF_DATASETS_CACHE), "HF_DATASETS_CACHE", "Data are kept there: set HF_HOME to a folder of yours")
