"""Texts and pairs of texts as inputs of an embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from datasets import Dataset

from prune.data.features import LENGTH, TRUNCATED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SECOND = "other_"
"""How the names of the inputs of a pair's second text begin."""
_TEXT = "text"


def texts(values: Sequence[str]) -> Dataset:
    """A row for each of `values`."""
    return Dataset.from_dict({_TEXT: values})


def pairs(first: Sequence[str], second: Sequence[str]) -> Dataset:
    """A row for each two texts."""
    return Dataset.from_dict({_TEXT: first, SECOND: second})


def encoder(tokenizer: PreTrainedTokenizerBase, max_length: int) -> Callable[[dict[str, list[str]]], dict[str, Any]]:
    """Makes inputs of rows of texts or pairs; a pair is as long as the longer of its texts, and cut where one is."""

    def encode(batch: dict[str, list[str]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        of_each: list[Any] = []
        for column, prefix in ((_TEXT, ""), (SECOND, SECOND)):
            if column in batch:
                encoded = tokenizer(batch[column], truncation=True, max_length=max_length)
                of_each.append(encoded.encodings)
                found |= {prefix + name: values for name, values in encoded.items()}
        rows = list(zip(*of_each, strict=True))
        found[LENGTH] = [max(len(one.ids) for one in row) for row in rows]
        found[TRUNCATED] = [any(one.overflowing for one in row) for row in rows]
        return found

    return encode
