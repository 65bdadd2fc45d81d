"""The examples of a run: rows, features, and what models give for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from prune.config.identity import data_seed
from prune.config.schema import Config
from prune.data.features import LENGTH, inputs_only
from prune.data.fingerprints import cache_key, fingerprint
from prune.data.inference import outputs_of
from prune.measure.speed import speed_device
from prune.results.layout import RunFolder, StageFolder
from prune.runtime import library_output
from prune.runtime.screen import Screen
from prune.tasks.base import Outputs, Predictions, Scores, Task


@dataclass(frozen=True)
class Examples:
    """Rows and features of all splits of a task."""

    config: Config
    task: Task
    tokenizer: PreTrainedTokenizerBase
    rows: dict[str, Dataset]
    features: dict[str, Dataset]
    fingerprints: dict[str, str]

    @property
    def training(self) -> Dataset:
        """Features of the training split."""
        return self.features[self.config.task.train_split]

    @property
    def evaluation(self) -> Dataset:
        """Features of the first evaluation split."""
        return self.features[self.config.task.eval_splits[0]]

    @property
    def collator(self) -> Any:
        """Makes a batch of features."""
        return self.task.collator(self.tokenizer)

    def outputs_of(self, model: PreTrainedModel, features: Dataset) -> Outputs:
        """What `model` gives for `features`."""
        size = self.config.schedule.eval_batch_size
        return outputs_of(model, features, self.task.distilled, self.collator, size, per_token=self.task.per_token)

    def proof_outputs(self, model: PreTrainedModel) -> Outputs:
        """Outputs on real examples, to compare before and after compaction."""
        rows = self.evaluation.select(range(min(self.task.proof_examples, len(self.evaluation))))
        return self.outputs_of(model, rows)

    def scores(
        self, model: PreTrainedModel, folder: StageFolder | RunFolder, dense: StageFolder | None = None
    ) -> dict[str, Scores]:
        """The task's metrics of `model` on every evaluation split; its predictions go into `folder`.

        `dense`: where the predictions of the unpruned model are; None: it is that.
        """
        scores = {}
        for split in self.task.eval_splits:
            predictions = self.predictions(model, split)
            folder.predictions(split).save(
                predictions=predictions.answers,
                null_odds=predictions.odds,
                non_null_predictions=predictions.forced,
                probabilities=predictions.probabilities,
            )
            reference = dense.predictions(split).answers() if dense and self.task.is_compared else None
            scores[split] = self.task.score(predictions, self.rows[split], reference)
        return scores

    def main_scores(self, model: PreTrainedModel) -> dict[str, Scores]:
        """The task's metrics of `model` on the first evaluation split, whose predictions are not kept."""
        split = self.task.eval_splits[0]
        return {split: self.task.score(self.predictions(model, split), self.rows[split])}

    def predictions(self, model: PreTrainedModel, split: str) -> Predictions:
        """What `model` says about a split."""
        model.to(speed_device("auto"))  # type: ignore[arg-type]  # as its stubs have it
        size = self.config.schedule.eval_batch_size
        return self.task.predictions(model, self.features[split], self.rows[split], self.tokenizer, size)

    def sample(self, number: int, device: torch.device) -> Iterator[dict[str, Tensor]]:
        """Batches of so many training examples, or all, drawn by the data seed, those of similar length together."""
        number = min(number, len(self.training))
        yield from self._batches(self._shuffled.select(range(number)), device)

    def number_with(self, tokens: int) -> int:
        """How many training examples have so many tokens together, as `sample` draws them; at most all."""
        of_each = np.asarray(self._shuffled[LENGTH][:]) * self.task.texts_per_example
        return min(int(np.searchsorted(of_each.cumsum(), tokens)) + 1, len(of_each))

    def sample_of_each_label(self, number: int, device: torch.device) -> Iterator[dict[str, Tensor]]:
        """Batches of so many training examples of each label, or all, drawn by the data seed."""
        of_label: dict[int, list[int]] = defaultdict(list)
        for row, label in enumerate(self._shuffled["labels"][:]):
            of_label[label].append(row)
        drawn = [row for rows in of_label.values() for row in rows[:number]]
        yield from self._batches(self._shuffled.select(sorted(drawn)), device)

    @property
    def _shuffled(self) -> Dataset:
        return self.training.shuffle(seed=data_seed(self.config))

    def _batches(self, rows: Dataset, device: torch.device) -> Iterator[dict[str, Tensor]]:
        """Those of similar length together."""
        rows = rows.select(sorted(range(len(rows)), key=rows[LENGTH][:].__getitem__))
        for batch in DataLoader(
            inputs_only(rows), batch_size=self.config.schedule.batch_size, collate_fn=self.collator
        ):
            yield {name: values.to(device) for name, values in batch.items()}


def read_examples(
    config: Config, task: Task, tokenizer: PreTrainedTokenizerBase, screen: Screen, *, training: bool = True
) -> Examples:
    """Loads and checks the data of a run, and makes its features; `training`: whether any are to be trained on."""
    rows = task.load() if training else task.load_evaluation()
    for remark in task.remarks:
        screen.warn(remark)
    fingerprints = {split: fingerprint(of_split, tokenizer) for split, of_split in rows.items()}
    trained_on = {split: training and split == config.task.train_split for split in rows}
    # Before any of them is used: a tokenizer that has been used describes itself differently.
    seed = task.seed if task.draws_features else None
    keys = {split: cache_key(fingerprints[split], tokenizer, config.task, trained_on[split], seed) for split in rows}
    with library_output.progress_bars(screen.console.is_terminal):
        features = {
            split: task.features(of_split, tokenizer, training=trained_on[split], fingerprint=keys[split])
            for split, of_split in rows.items()
        }
    sizes = ", ".join(f"{len(of_split)} {split}" for split, of_split in rows.items())
    screen.stage("prepare", "; ".join([f"{config.task.name}: {sizes} examples", *task.findings]))
    return Examples(config, task, tokenizer, rows, features, fingerprints)
