"""What a kind of task is, and how its data are read: from a local folder or from the hub, with the same columns.

Tasks load torch and transformers where they need them, so that a mistake in the data is told before that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.data.checks import check_cache, check_text, nulls
from prune.data.features import LENGTH, TRUNCATED
from prune.data.reading import read_split
from prune.data.subsets import Groups, number_of, others, subset
from prune.errors import UserError
from prune.runtime.wording import counted
from prune.tasks.metrics.specs import spec_of

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Scores = dict[str, float]
Outputs = Mapping[str, Sequence[np.ndarray[Any, Any]]]
"""Name of a model's output -> one array per input."""
Loss = Callable[[Mapping[str, Any], Mapping[str, "Tensor"]], "Tensor"]
"""(outputs of a model, inputs) -> the mean over the examples of a batch."""

MOST_UNUSABLE = 0.01
"""Share of a split's rows that may be left out."""


@dataclass
class Predictions:
    """What a model says about one split."""

    answers: dict[str, Any]
    """Example's id (its row number, where there are none) -> answer: the predictions file."""
    odds: dict[str, float] = field(default_factory=dict)
    """Example's id -> how much more is to be said for no answer than for one, where a task knows that."""
    forced: dict[str, Any] = field(default_factory=dict)
    """The answers, had one to be given to every example, where a task knows that."""
    probabilities: dict[str, list[float]] = field(default_factory=dict)
    """Example's id -> those of all labels, where a metric asks for them."""


class Task(ABC):
    """One task, as configured."""

    auto_class: ClassVar[str]
    """The class of transformers whose head fits the task."""
    distilled: ClassVar[tuple[str, ...]] = ("logits",)
    """Outputs of the model that a teacher's are compared with."""
    per_token: ClassVar[bool] = False
    """Whether these have a value for each input token."""
    keeps_teacher: ClassVar[bool] = True
    """Whether a teacher's outputs are small enough to be computed once and kept, instead of at every step."""
    proof_examples: ClassVar[int] = 256
    """On how many examples compaction is proven to change nothing."""
    advice: ClassVar[Mapping[str, str]] = {}
    """What is wrong with too many rows -> what to do."""
    has_labels: ClassVar[bool] = False
    """Whether each example has one of a few labels."""
    distilled_as: ClassVar[str] = "logits"
    """What these are: `logits`, `numbers` to be met, or `embeddings`."""
    encoders_only: ClassVar[bool] = False
    """Whether it is no task for a model with a decoder, though that may have such a head."""
    draws_features: ClassVar[bool] = False
    """Whether something in the features is drawn by the seed."""

    def __init__(self, config: TaskConfig, seed: int):
        self.config, self.seed = config, seed
        self.remarks: list[str] = []
        """What was left out when the data were read."""
        self.findings: list[str] = []
        """What was read off the data."""

    @property
    def baseline(self) -> str:
        """The simple way to do the task that a result must clearly exceed to be any good."""
        return spec_of(self.config.metrics[0]).baseline

    @property
    def held_out(self) -> str:
        """The name that training examples which are not trained on go by, as a split."""
        return f"{self.config.train_split}_held_out"

    @property
    def eval_splits(self) -> list[str]:
        """The evaluation splits, the main one first."""
        return [*self.config.eval_splits, *([self.held_out] if self.config.eval_from_train else [])]

    def load(self, splits: Sequence[str] | None = None) -> dict[str, Dataset]:
        """The `splits` of the folder (default: all), checked, cut to the configured subsets; and what is held out.

        Raises:
            UserError: for whatever is wrong with the folder, the columns or the rows, or with the cache of `datasets`.
        """
        check_cache()
        config, data = self.config, {}
        for split in splits or [config.train_split, *config.eval_splits]:
            self.check(split, rows := read_split(config, split))
            data[split] = self.usable(split, rows)
        sizes: dict[str, int | None] = dict.fromkeys(config.eval_splits, config.eval_examples)
        sizes[config.train_split] = config.train_examples
        if config.eval_from_train and (rows := data.get(config.train_split)):
            groups = self.groups(rows)
            used = config.train_examples or max(1, number_of(rows, groups) - config.eval_from_train)
            sizes[config.train_split] = used
            data[self.held_out] = others(rows, used, config.eval_from_train, self.seed, groups)
        for split, size in sizes.items():
            if size is not None and split in data:
                data[split] = subset(data[split], split, size, self.seed, self.groups(data[split]))
        return data

    def groups(self, _rows: Dataset) -> Groups:
        """The rows that a subset has all of, or none."""
        return None

    def load_evaluation(self) -> dict[str, Dataset]:
        """The same of the evaluation splits alone."""
        of_training = [self.config.train_split] if self.config.eval_from_train else []
        data = self.load([*self.config.eval_splits, *of_training])
        return {split: data[split] for split in self.eval_splits}

    def check_all(self) -> None:
        """Raises a UserError for what is wrong with the folder, the columns, or what they hold."""
        check_cache()
        for split in (self.config.train_split, *self.config.eval_splits):
            self.check(split, read_split(self.config, split))

    def check(self, split: str, rows: Dataset) -> None:
        """Raises a UserError that names the column and row of what cannot be used.

        Where `task.label` is empty, there are no labels.
        """
        where = f"task {self.config.name}, split {split!r}"
        if len(rows) == 0:
            raise UserError(f"{where}: there are no rows")
        texts, (label, id_) = self.config.text, self.label_and_id(split)
        needed = (*texts, label, id_, *(self.config.slices if split in self.eval_splits else ()))
        if missing := [name for name in needed if name and name not in rows.column_names]:
            raise UserError(
                f"{where}: there is no column {', '.join(map(repr, missing))}; the columns are "
                f"{', '.join(rows.column_names)}. Name yours with task.text=[...], task.label= and task.id="
            )
        for column in texts:
            check_text(where, column, rows.data.column(column))
        if id_ and (repeats := len(rows) - pc.count_distinct(rows.data.column(id_)).as_py()):
            raise UserError(f"{where}: {counted(repeats, 'row')} with the id of an earlier row in the column {id_!r}")
        if label:
            self.check_labels(where, rows.data.column(label))

    def label_and_id(self, split: str) -> tuple[str, str | None]:
        """The columns with label and id that a split must have, where it must."""
        return self.config.label, self.config.id

    @abstractmethod
    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        """Raises a UserError if the column with the labels cannot be used; `where` begins its text."""

    def usable(self, split: str, rows: Dataset) -> Dataset:
        """The `rows` of a whole split without those that cannot be used, which `remarks` then tells.

        Raises:
            UserError: if more than 1 % have the same fault.
        """
        left_out: set[int] = set()
        for fault, numbers in self.unusable(split, rows).items():
            if not numbers:
                continue
            share = f"{len(numbers)} of {counted(len(rows), 'row')}"
            remark = f"split {split!r}: {share} with {fault} (the first is row {numbers[0]})"
            if len(numbers) > MOST_UNUSABLE * len(rows):
                most = f"at most {MOST_UNUSABLE:.0%} may be left out{self.advice.get(fault, '')}"
                raise UserError(f"task {self.config.name}: {remark}; {most}")
            self.remarks.append(f"{remark} left out")
            left_out.update(numbers)
        return rows.select([number for number in range(len(rows)) if number not in left_out]) if left_out else rows

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        """What is wrong with rows of a whole split that cannot be used -> their numbers."""
        return {f"nothing in the column {name!r}": nulls(rows.data.column(name)) for name in self.config.text}

    @abstractmethod
    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        """Model inputs and their `length` in tokens; with labels for training. One or more inputs per row, in order.

        They are kept in the cache of `datasets` under `fingerprint`, which must tell apart whatever they depend on.
        """

    def num_truncated(self, features: Dataset) -> int:
        """How many inputs were cut at a maximal length."""
        return int(np.sum(features[TRUNCATED][:]))

    def read_model(self, path: str) -> None:  # noqa: B027  # most need nothing
        """Takes from the model at `path`, a folder or a name on the hub, what the task needs to know of it.

        Raises:
            UserError: if it is no model for the task.
        """

    def adapt(self, model: PreTrainedModel, path: str = "") -> PreTrainedModel:
        """`model`, once it gives the outputs that the task reads; `path`: of a finished one, of others perhaps."""
        return model

    def completed(self, outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Mapping[str, Any]:
        """The same of the outputs of a model that cannot be adapted, as an exported one."""
        return outputs

    def save(self, model: PreTrainedModel, folder: Path) -> None:  # noqa: B027  # most need nothing
        """Writes beside a model what other programs need to do the task with it."""

    @property
    def texts_per_example(self) -> int:
        """How many texts the model reads for each training example."""
        return 1

    @property
    def learns_alone(self) -> bool:
        """Whether there is something to learn without a teacher; else the unpruned model stays as it is."""
        return True

    @property
    def loss(self) -> Loss | None:
        """What is minimised instead of the model's own loss; None: that."""
        return None

    @property
    def saliency_loss(self) -> Loss | None:
        """What the gradients are of that tell which units matter; None: the model's own loss."""
        return self.loss

    @abstractmethod
    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """Makes a batch of features; one that draws is told the `epoch` of a training by its attribute of this name."""

    @abstractmethod
    def model_settings(self) -> dict[str, Any]:
        """What a model's config must say for this task."""

    def generation(self) -> dict[str, Any]:
        """Settings of the model's `generate`, where the task's answers are generated texts; empty otherwise."""
        return {}

    @abstractmethod
    def predictions(
        self, model: PreTrainedModel, features: Dataset, rows: Dataset, tokenizer: Any, batch_size: int
    ) -> Predictions:
        """What a model says about `rows`, whose `features` these are."""

    @abstractmethod
    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        """All metrics, in the units of their official definitions."""

    @property
    def is_compared(self) -> bool:
        """Whether its metric is agreement with the unpruned model's answers."""
        return False

    def score(self, predictions: Predictions, rows: Dataset, reference: Mapping[str, Any] | None = None) -> Scores:
        """The metrics that a record holds: fractions in [0, 1]; `reference`: the unpruned model's answers."""
        return self.measure(predictions, rows)

    @abstractmethod
    def chance(self, rows: Dataset) -> float:
        """The main metric of `baseline`."""

    @abstractmethod
    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """How good the answer to each example is, the higher the better: what an audit compares."""

    def slice_columns(self, rows: Dataset) -> dict[str, Sequence[Any]]:
        """What an audit slices examples by: name -> their values, texts or numbers."""
        texts = zip(*(rows[name][:] for name in self.config.text), strict=True)
        return {"length": [sum(map(num_words, of_row)) for of_row in texts]} | {
            name: [str(value) for value in rows[name][:]] for name in self.config.slices
        }

    def ids(self, rows: Dataset) -> list[str]:
        """The ids that identify predictions."""
        if self.config.id is None:
            return [str(number) for number in range(len(rows))]
        return [str(value) for value in rows[self.config.id][:]]


class OnePassTask(Task):
    """A task whose answers are read out of one forward pass."""

    def predictions(
        self, model: PreTrainedModel, features: Dataset, rows: Dataset, tokenizer: Any, batch_size: int
    ) -> Predictions:
        """What a model says about `rows`, whose `features` these are."""
        from prune.data.inference import outputs_of

        collator = self.collator(tokenizer)
        outputs = outputs_of(model, features, self.distilled, collator, batch_size, per_token=self.per_token)
        return self.predict(outputs, features, rows)

    @abstractmethod
    def predict(self, outputs: Outputs, features: Dataset, rows: Dataset) -> Predictions:
        """What a model's `outputs` on the `features` of `rows` say."""


class SequenceTask(OnePassTask):
    """A task of one or two texts in the columns `text`, read as one sequence with one answer."""

    auto_class = "AutoModelForSequenceClassification"

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
            texts = [batch[column] for column in self.config.text]
            encoded = tokenizer(*texts, truncation=True, max_length=self.config.max_length)
            return {
                **encoded,
                LENGTH: [len(ids) for ids in encoded["input_ids"]],
                TRUNCATED: [bool(one.overflowing) for one in encoded.encodings],
                "labels": batch[self.config.label],
            }

        return mapped(rows, encode, fingerprint)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        from transformers import DataCollatorWithPadding

        return DataCollatorWithPadding(tokenizer)


def num_words(text: str) -> int:
    """Parts between white space."""
    return len(text.split())


def mapped(rows: Dataset, encode: Callable[..., Any], fingerprint: str | None, **options: Any) -> Dataset:
    """What `encode` makes of batches of `rows`, or what it made of them earlier under the same fingerprint."""
    return rows.map(
        encode,
        batched=True,
        remove_columns=rows.column_names,
        load_from_cache_file=fingerprint is not None,
        new_fingerprint=fingerprint,
        desc=f"{'':>10}tokenizing",
        **options,
    )
