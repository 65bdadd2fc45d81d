"""What a kind of task is, and how its data are read: from a local folder or from the hub, with the same columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset, load_dataset
from transformers import PreTrainedTokenizerBase

from prune.config import TaskConfig
from prune.errors import UserError
from prune.places import locate

Scores = dict[str, float]

_READERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv"}


class Task(ABC):
    """One task, as configured."""

    auto_class: ClassVar[str]
    """The class of transformers whose head fits the task."""
    distilled: ClassVar[tuple[str, ...]] = ("logits",)
    """Outputs of the model that a teacher's are compared with."""

    def __init__(self, config: TaskConfig, seed: int):
        self.config, self.seed = config, seed

    @property
    def splits(self) -> list[str]:
        """The training split, then the evaluation splits."""
        return [self.config.train_split, *self.config.eval_splits]

    def load(self) -> dict[str, Dataset]:
        """All splits, checked, cut to the configured subsets.

        Raises:
            UserError: for whatever is wrong with the folder, the columns or the rows.
        """
        data = {split: self._read(split) for split in self.splits}
        for split, rows in data.items():
            self.check(split, rows)
        sizes: dict[str, int | None] = dict.fromkeys(self.config.eval_splits, self.config.eval_examples)
        sizes[self.config.train_split] = self.config.train_examples
        return {split: subset(rows, split, sizes[split], self.seed) for split, rows in data.items()}

    def _read(self, split: str) -> Dataset:
        folder = locate(self.config.path)
        if folder is None:
            return self._read_from_hub(split)
        if not folder.is_dir():
            raise UserError(f"task.path={self.config.path}: there is no such folder")
        files = [folder / f"{split}{suffix}" for suffix in _READERS if (folder / f"{split}{suffix}").is_file()]
        if not files:
            held = ", ".join(sorted(p.name for p in folder.iterdir())) or "nothing"
            raise UserError(
                f"task.path={self.config.path} has no file for the split {split!r}: expected "
                f"{' or '.join(split + suffix for suffix in _READERS)}; the folder holds {held}"
            )
        if files[0].stat().st_size == 0:
            raise UserError(f"{files[0]} is empty")
        try:
            return load_dataset(_READERS[files[0].suffix], data_files={split: str(files[0])}, split=split)
        except Exception as error:
            raise UserError(f"{files[0]} cannot be read: {error.__cause__ or error}") from error

    def _read_from_hub(self, split: str) -> Dataset:
        try:
            return load_dataset(self.config.path, self.config.subset, split=split)
        except Exception as error:
            raise UserError(
                f"task.path={self.config.path} is no local folder, and could not be had from the hub "
                f"({type(error).__name__}: {first_line(error)}). Without a network, name a folder with task.path="
            ) from error

    @abstractmethod
    def check(self, split: str, rows: Dataset) -> None:
        """Raises a UserError that names the column and row of what cannot be used."""

    @abstractmethod
    def features(self, rows: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Model inputs, `labels`, and `length` in tokens."""

    @abstractmethod
    def num_truncated(self, features: Dataset) -> int:
        """How many inputs were cut at the maximal length."""

    @abstractmethod
    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """Makes a batch of features."""

    @abstractmethod
    def model_settings(self) -> dict[str, Any]:
        """What a model's config must say for this task."""

    @abstractmethod
    def score(self, outputs: Mapping[str, np.ndarray[Any, Any]], features: Dataset) -> Scores:
        """The metrics of a model's outputs (examples, ...) on one split, the main one first; fractions in [0, 1]."""

    @abstractmethod
    def chance(self, features: Dataset) -> float:
        """The main metric of the best constant answer."""


def subset(rows: Dataset, split: str, size: int | None, seed: int) -> Dataset:
    """`size` rows drawn by `seed`, in their original order; all if `size` is None.

    Raises:
        UserError: if there are fewer.
    """
    if size is None:
        return rows
    if size > len(rows):
        raise UserError(f"a subset of {size} examples was asked for, but the split {split!r} has {len(rows)}")
    chosen = np.random.default_rng(seed).choice(len(rows), size, replace=False)
    return rows.select(np.sort(chosen))


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return str(error).strip().split("\n")[0][:200]
