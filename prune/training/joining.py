"""Texts longer than those at hand: pairs of training texts joined into one, which the teacher alone judges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray


def joined_texts(rows: Dataset, column: str, number: int, seed: int) -> Dataset:
    """So many rows, drawn by the seed, each with the text of another one after its own in `column`."""
    random = np.random.default_rng(seed)
    first, second = (rows.select(random.integers(len(rows), size=number)) for _ in range(2))
    pairs = zip(first[column], second[column], strict=True)
    texts = [f"{one.strip()} {other.strip()}" for one, other in pairs]
    return first.remove_columns(column).add_column(column, texts)


def labelled_by_teacher(features: Dataset, logits: Sequence[NDArray[np.float32]], number: int) -> Dataset:
    """`features` where the last `number` have the labels that `logits` (classes,) of each feature say."""
    said = np.stack(logits)[-number:].argmax(-1).tolist()
    labels = [*features["labels"][: len(features) - number], *said]
    return features.remove_columns("labels").add_column("labels", labels)
