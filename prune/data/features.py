"""Columns of features that say something about an example and are no input of a model."""

from __future__ import annotations

from datasets import Dataset

LENGTH = "length"
"""Number of tokens."""
TRUNCATED = "truncated"
"""Whether the input was cut at the maximal length."""
IGNORED = -100
"""Label of a token that nothing is to be said about, padding among them."""
EXAMPLE = "example"
"""Number of the example that the input is a part of, where an example has several."""
TEXT_STARTS, TEXT_ENDS = "text_starts", "text_ends"
"""Where each token begins and ends in the example's text, in characters; -1 for tokens of no text."""


def inputs_only(features: Dataset) -> Dataset:
    """`features` without these columns."""
    return features.remove_columns(
        [name for name in (LENGTH, TRUNCATED, EXAMPLE, TEXT_STARTS, TEXT_ENDS) if name in features.column_names]
    )
