"""Texts -> vectors: searching documents, rating pairs of texts, or as the unpruned model embeds them.

What is evaluated follows from the columns: two texts are a query and its own document; with a label, a pair and how
alike its texts are; one text is a query, where a corpus is named, or else just a text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.errors import UserError
from prune.tasks.base import Loss, OnePassTask, Outputs, Predictions, Scores, mapped
from prune.tasks.metrics import retrieval
from prune.tasks.metrics.specs import AGREEMENT
from prune.tasks.ranking.corpus import hash_of
from prune.tasks.ranking.inputs import SECOND, encoder, pairs, texts
from prune.tasks.ranking.searching import Search
from prune.tasks.text_regression import number

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from prune.models.embedder import Embedder

_QUERY, _DOCUMENT = ("query",), ("document", "passage", "corpus")
"""Names of prompts, as sentence-transformers looks for them."""


class Embedding(OnePassTask):
    """Texts in the columns `text`."""

    auto_class = "AutoModel"
    encoders_only = True
    distilled = ("embeddings",)
    distilled_as = "embeddings"

    def __init__(self, config: TaskConfig, seed: int):
        super().__init__(config, seed)
        self._embedder: Embedder | None = None
        self.search = Search(config, self.remarks)

    @property
    def embedder(self) -> Embedder:
        """How the model pools, once `read_model` was called."""
        assert self._embedder is not None, "read_model was not called"
        return self._embedder

    @property
    def keeps_teacher(self) -> bool:  # type: ignore[override]
        """Of pairs a teacher's embeddings are asked for at every step."""
        return not self.config.embeddings.contrastive

    @property
    def searches(self) -> bool:
        """Whether documents are searched."""
        return not self.config.label and (len(self.config.text) == 2 or bool(self.config.retrieval.corpus))

    @property
    def is_compared(self) -> bool:
        """Whether its metric is agreement with the unpruned model."""
        return not self.config.label and not self.searches

    def read_model(self, path: str) -> None:
        from prune.models.embedder import Embedder, read_embedder

        found, own = read_embedder(path), self.config.embeddings
        if found is None and own.pooling is None:
            self.remarks.append(f"model.path={path} has no modules.json: its tokens are pooled by their mean")
        found = found or Embedder()
        prompts = dict(found.prompts)
        for names, prompt in ((_QUERY, own.query_prompt), (_DOCUMENT, own.document_prompt)):
            if prompt is not None:
                prompts = {name: text for name, text in prompts.items() if name not in names} | {names[0]: prompt}
        self._embedder = replace(
            found,
            pooling=own.pooling or found.pooling,
            normalize=found.normalize if own.normalize is None else own.normalize,
            prompts=prompts,
        )

    def adapt(self, model: PreTrainedModel, path: str = "") -> PreTrainedModel:
        from prune.models.embedder import read_embedder

        own = read_embedder(path) if path else None
        (own or self.embedder).attach(model)
        return model

    def completed(self, outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Mapping[str, Any]:
        return self.embedder.completed(outputs, inputs)

    def save(self, model: PreTrainedModel, folder: Path) -> None:
        self.embedder.save(folder, model.config.hidden_size, self.config.max_length)

    def _prompt(self, names: Sequence[str]) -> str:
        prompts = self.embedder.prompts
        return next((prompts[name] for name in (*names, self.embedder.default_prompt or "") if name in prompts), "")

    # Data

    def load(self, splits: Sequence[str] | None = None) -> dict[str, Dataset]:
        data = super().load(splits)
        for split in self.eval_splits if self.searches else []:
            if split in data:
                data[split] = self.search.with_relevant(split, data[split], self.ids(data[split]))
        return data

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise UserError(f"{where}: the column {self.config.label!r} holds {values.type}, not numbers")

    def label_and_id(self, split: str) -> tuple[str, str | None]:
        """A training split needs its texts alone."""
        return super().label_and_id(split) if split in self.eval_splits else ("", None)

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        found = {}
        for name in self.config.text:
            found[f"an empty text in the column {name!r}"] = [
                row for row, text in enumerate(rows[name][:]) if not text or not text.strip()
            ]
        if self.config.label and split in self.eval_splits:
            values = enumerate(rows[self.config.label][:])
            missing = [row for row, value in values if value is None or not math.isfinite(value)]
            found["no finite number"] = missing
        return found

    # Inputs

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        """Of training texts each once, or of pairs each row; of evaluation texts first those of the rows, then the
        documents, or the second texts."""
        query, document = self._prompt(_QUERY), self._prompt(_DOCUMENT)
        alike = [self._prompt(())] * 2
        prompts = [query, document] if self.searches or self.config.embeddings.contrastive else alike
        columns = [
            [prompt + text for text in rows[name][:]] for prompt, name in zip(prompts, self.config.text, strict=False)
        ]
        if training and self.config.embeddings.contrastive:
            given = pairs(*columns)
        elif training:
            given = texts(list(dict.fromkeys(text for of_column in columns for text in of_column)))
        else:
            others = columns[1] if self.config.label else []
            if self.searches:
                others = [prompts[1] + text for text in self.search.documents(rows).texts]
            given = texts(columns[0] + others)
        key = None if fingerprint is None else hash_of([fingerprint, *prompts])
        return mapped(given, encoder(tokenizer, self.config.max_length), key)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        from prune.data.pairs import PairCollator

        return PairCollator(tokenizer, SECOND)

    # Losses

    @property
    def texts_per_example(self) -> int:
        return 2 if self.config.embeddings.contrastive else 1

    @property
    def learns_alone(self) -> bool:
        return self.config.embeddings.contrastive

    @property
    def loss(self) -> Loss | None:
        from prune.tasks.ranking.losses import contrastive_loss

        settings = self.config.embeddings
        return contrastive_loss(settings.contrastive_temperature) if settings.contrastive else None

    @property
    def saliency_loss(self) -> Loss | None:
        from prune.tasks.ranking.losses import sampled_loss

        return sampled_loss(self.seed)

    def model_settings(self) -> dict[str, Any]:
        return {}

    # Answers

    def predict(self, outputs: Outputs, features: Dataset, rows: Dataset) -> Predictions:
        """Of each query the ids of the best documents; of each pair its similarity; of each text its nearest others."""
        embeddings, ids = np.stack(outputs["embeddings"]).astype(np.float32), self.ids(rows)
        if self.embedder.similarity == "cosine" or self.config.label:
            embeddings /= np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        first, others = embeddings[: len(rows)], embeddings[len(rows) :]
        if self.config.label:
            similarities = (first * others).sum(-1)
            return Predictions({id_: float(one) for id_, one in zip(ids, similarities, strict=True)})
        if self.searches:
            documents = self.search.documents(rows).ids
            found = retrieval.nearest(first, others)
            return Predictions({id_: [documents[n] for n in best] for id_, best in zip(ids, found, strict=True)})
        found = retrieval.nearest(first, first, retrieval.BEST + 1)
        return Predictions(
            {id_: [ids[n] for n in best if n != row][: retrieval.BEST] for row, (id_, best) in
             enumerate(zip(ids, found, strict=True))}
        )  # fmt: skip

    def score(self, predictions: Predictions, rows: Dataset, reference: Mapping[str, Any] | None = None) -> Scores:
        if not self.is_compared:
            return self.measure(predictions, rows)
        given, expected = predictions.answers, predictions.answers if reference is None else reference
        shares = [_share(given[id_], expected[id_]) for id_ in self.ids(rows)]
        return {AGREEMENT: float(np.mean(shares))}

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        if self.is_compared:
            raise UserError(f"task {self.config.name}: {AGREEMENT} is with the unpruned model, which only a run knows")
        if self.config.label:
            from prune.tasks.metrics.correlation import METRICS

            given = np.asarray([number(predictions.answers[id_]) for id_ in self.ids(rows)])
            numbers = np.asarray(rows[self.config.label][:], dtype=float)
            return {name: METRICS[name](numbers, given) for name in self.config.metrics}
        return {name: float(np.mean(self._values(name, predictions, rows))) for name in self.config.metrics}

    def _values(self, metric: str, predictions: Predictions, rows: Dataset) -> list[float]:
        """Of each query."""
        ranked = [_ids(id_, predictions.answers[id_]) for id_ in self.ids(rows)]
        pairs = zip(ranked, map(set, self.search.relevant(rows)), strict=True)
        return [retrieval.METRICS[metric](best, relevant) for best, relevant in pairs]

    def chance(self, rows: Dataset) -> float:
        if not self.searches:
            return 0.0
        size, metric = len(self.search.documents(rows).ids), self.config.metrics[0]
        return float(np.mean([retrieval.of_random_order(metric, len(one), size) for one in self.search.relevant(rows)]))

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """The main metric of each query; of pairs the distance from the rank that the label has, negative."""
        if self.searches:
            return self._values(self.config.metrics[0], predictions, rows)
        if not self.config.label:
            raise UserError(f"task {self.config.name}: texts alone have no answers that an audit could compare")
        from scipy.stats import rankdata

        given = rankdata([number(predictions.answers[id_]) for id_ in self.ids(rows)])
        true = rankdata(rows[self.config.label][:])
        return [-float(abs(one - other)) / len(rows) for one, other in zip(given, true, strict=True)]


def _share(given: Any, expected: Sequence[str]) -> float:
    return len(set(given) & set(expected)) / len(expected) if expected else 1.0


def _ids(id_: str, answer: Any) -> list[str]:
    if not isinstance(answer, list) or len(set(map(str, answer))) < len(answer):
        raise UserError(f"predictions: those of {id_} are no list of different documents, the best first")
    return [str(one) for one in answer]


TASK = Embedding
