"""A query and a document -> how relevant the document is; judged by the order of each query's candidates."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Dataset

from prune.config.schema import RerankingLoss, TaskConfig
from prune.data.features import LENGTH, TRUNCATED
from prune.data.subsets import Groups
from prune.errors import UserError
from prune.files import strict_json
from prune.tasks.base import Loss, Predictions, Scores, mapped
from prune.tasks.metrics import retrieval
from prune.tasks.text_regression import TextRegression, number

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_IDENTITY = "torch.nn.modules.linear.Identity"
"""What sentence-transformers applies to scores: nothing, so that it gives those that were evaluated."""


class Reranking(TextRegression):
    """The query and the document in the two columns `text`; in the column `label` how relevant the document is."""

    def __init__(self, config: TaskConfig, seed: int):
        super().__init__(config, seed)
        self._listwise = config.reranking.loss is RerankingLoss.listwise

    @property
    def keeps_teacher(self) -> bool:  # type: ignore[override]
        """For lists a teacher is asked at every step."""
        return not self._listwise

    @property
    def texts_per_example(self) -> int:
        return self.config.reranking.candidates if self._listwise else 1

    # Data

    def load(self, splits: Sequence[str] | None = None) -> dict[str, Dataset]:
        data = super().load(splits)
        if self.config.reranking.loss is RerankingLoss.binary and self.config.train_split in data:
            self._check_shares(data[self.config.train_split][self.config.label][:])
        judged = set(self.eval_splits)
        return {split: self._judgeable(split, rows) if split in judged else rows for split, rows in data.items()}

    def groups(self, rows: Dataset) -> Groups:
        """A subset is one of queries, each with all its candidates."""
        return list(self._by_query(rows).values())

    def _check_shares(self, labels: Sequence[float]) -> None:
        """Raises a UserError for a label that is no share from 0 to 1."""
        if beyond := [label for label in labels if not 0 <= label <= 1]:
            raise UserError(
                f"task {self.config.name}, split {self.config.train_split!r}: label {beyond[0]:g} is not from 0 to 1, "
                "as task.reranking.loss=binary has them; say squared for scores, or listwise for grades"
            )

    def _judgeable(self, split: str, rows: Dataset) -> Dataset:
        """The `rows` of queries of which some candidate is relevant."""
        queries, labels = rows[self.config.text[0]][:], rows[self.config.label][:]
        kept = {query for query, label in zip(queries, labels, strict=True) if label > 0}
        if not kept:
            raise UserError(f"task {self.config.name}, split {split!r}: no candidate is relevant (label > 0)")
        if lost := [query for query in dict.fromkeys(queries) if query not in kept]:
            whose = "a query" if len(lost) == 1 else f"{len(lost)} queries"
            self.remarks.append(f"split {split!r}: {whose} without a relevant candidate left out, as {lost[0][:60]!r}")
        return rows.select([row for row, query in enumerate(queries) if query in kept])

    # Inputs

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        """Of a pair each; in training with `listwise` of the candidates of a query each: then inputs are lists."""
        if not (training and self._listwise):
            return super().features(rows, tokenizer, training=training, fingerprint=fingerprint)

        def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
            lists = [
                tokenizer([query] * len(documents), documents, truncation=True, max_length=self.config.max_length)
                for query, documents in zip(batch["query"], batch["documents"], strict=True)
            ]
            return {
                **{name: [one[name] for one in lists] for name in lists[0]},
                LENGTH: [max(map(len, one["input_ids"])) for one in lists],
                TRUNCATED: [any(text.overflowing for text in one.encodings) for one in lists],
                "labels": batch["labels"],
            }

        return mapped(self._candidates(rows), encode, fingerprint)

    def _candidates(self, rows: Dataset) -> Dataset:
        """A row for each query, with its most relevant document first, then others that are drawn by the seed."""
        size, generator, found = self.config.reranking.candidates, np.random.default_rng(self.seed), []
        documents, labels = rows[self.config.text[1]][:], rows[self.config.label][:]
        queries = self._by_query(rows)
        for query, members in queries.items():
            best = max(members, key=labels.__getitem__)
            others = [row for row in members if row != best]
            if labels[best] > 0 and len(others) >= size - 1:
                chosen = [best, *sorted(generator.choice(others, size - 1, replace=False).tolist())]
                of_query = {"documents": [documents[row] for row in chosen], "labels": [labels[row] for row in chosen]}
                found.append({"query": query} | of_query)
        if not found:
            raise UserError(
                f"task.reranking.candidates={size}: no training query has so many, one of them relevant (label > 0); "
                "say less, or task.reranking.loss=binary"
            )
        if few := len(queries) - len(found):
            self.remarks.append(f"training: {few} of {len(queries)} queries have too few candidates, and are left out")
        return Dataset.from_list(found)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        from prune.data.pairs import ListCollator

        return ListCollator(tokenizer) if self._listwise else super().collator(tokenizer)

    def _by_query(self, rows: Dataset) -> dict[str, list[int]]:
        """Query -> the rows of its candidates."""
        found = defaultdict(list)
        for row, query in enumerate(rows[self.config.text[0]][:]):
            found[query].append(row)
        return found

    def save(self, model: PreTrainedModel, folder: Path) -> None:
        if not (file := folder / "config.json").exists():  # a format without one
            return
        content = strict_json.read(file) | {"sentence_transformers": {"activation_fn": _IDENTITY}}
        file.write_text(json.dumps(content, indent=2) + "\n")

    @property
    def loss(self) -> Loss | None:
        settings = self.config.reranking
        if settings.loss is RerankingLoss.squared:
            return None  # that of numbers
        from prune.tasks.ranking.losses import binary_loss, listwise_loss

        return listwise_loss(settings.candidates) if self._listwise else binary_loss

    # Answers

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        values = self._values(predictions, rows).values()
        return {name: float(np.mean([one[name] for one in values])) for name in self.config.metrics}

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """The main metric of the query."""
        values, metric = self._values(predictions, rows), self.config.metrics[0]
        return [values[query][metric] for query in rows[self.config.text[0]][:]]

    def _values(self, predictions: Predictions, rows: Dataset) -> dict[str, Scores]:
        """Query -> its metrics; of equal scores the earlier candidate comes first."""
        scores = [number(predictions.answers[id_]) for id_ in self.ids(rows)]
        labels, found = rows[self.config.label][:], {}
        for query, members in self._by_query(rows).items():
            ranked = [str(row) for row in sorted(members, key=lambda row: -scores[row])]
            relevant = {str(row) for row in members if labels[row] > 0}
            found[query] = {name: retrieval.METRICS[name](ranked, relevant) for name in self.config.metrics}
        return found

    def chance(self, rows: Dataset) -> float:
        labels, metric = rows[self.config.label][:], self.config.metrics[0]
        return float(
            np.mean([
                retrieval.of_random_order(metric, sum(labels[row] > 0 for row in members), len(members))
                for members in self._by_query(rows).values()
            ])
        )  # fmt: skip


TASK = Reranking
