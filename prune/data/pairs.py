"""Batches of texts, of pairs of texts (first all first ones, then all second ones), and of lists of texts."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import BatchEncoding, PreTrainedTokenizerBase


class PairCollator:
    """Pads the inputs of single texts; where they are pairs, those of the second texts follow the others."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, second: str):
        self.tokenizer, self.second = tokenizer, second

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch of `rows`; names of the second texts' inputs begin with `second`."""
        first = [{name: values for name, values in row.items() if not name.startswith(self.second)} for row in rows]
        second = [
            {name.removeprefix(self.second): values for name, values in row.items() if name.startswith(self.second)}
            for row in rows
        ]
        padded: BatchEncoding = self.tokenizer.pad(first + [row for row in second if row], return_tensors="pt")
        return dict(padded)


class ListCollator:
    """Pads inputs; where an example has a list of each, those of all examples one after the other."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch of `rows`."""
        flat = [one for row in rows for one in (_parts(row) if isinstance(row["input_ids"][0], list) else [row])]
        padded: BatchEncoding = self.tokenizer.pad(flat, return_tensors="pt")
        return dict(padded)


def _parts(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(row, values, strict=True)) for values in zip(*row.values(), strict=True)]
