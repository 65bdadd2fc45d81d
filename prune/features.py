"""Columns of features that say something about an example and are no input of a model."""

from __future__ import annotations

from datasets import Dataset

LENGTH = "length"
"""Number of tokens."""
TRUNCATED = "truncated"
"""Whether the input was cut at the maximal length."""


def inputs_only(features: Dataset) -> Dataset:
    """`features` without these columns."""
    return features.remove_columns([name for name in (LENGTH, TRUNCATED) if name in features.column_names])
