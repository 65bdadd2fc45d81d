"""A text -> a shorter text: CNN/DailyMail, and data sets like it, by encoder-decoder models (BART, T5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from datasets import Dataset

from prune.data.checks import check_text
from prune.data.features import LENGTH, TRUNCATED, inputs_only
from prune.runtime.progress_bar import track
from prune.tasks.base import Predictions, Scores, Task, mapped
from prune.tasks.metrics.specs import LEAD

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Summarization(Task):
    """A text in the column `text`, its summary, with one sentence per line, in the column `label`."""

    auto_class = "AutoModelForSeq2SeqLM"
    keeps_teacher = False
    proof_examples = 8

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        check_text(where, self.config.label, values)

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        pairs = zip(rows[self.config.text[0]][:], rows[self.config.label][:], strict=True)
        empty = [row for row, pair in enumerate(pairs) if not all(text and text.strip() for text in pair)]
        return {"an empty text or summary": empty}

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        config = self.config

        def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
            texts = [config.summaries.prefix + text for text in batch[config.text[0]]]
            encoded = tokenizer(texts, truncation=True, max_length=config.max_length)
            summaries = tokenizer(
                text_target=batch[config.label], truncation=True, max_length=config.summaries.max_label_length
            )
            return {
                "input_ids": encoded["input_ids"],
                "attention_mask": encoded["attention_mask"],
                "labels": summaries["input_ids"],
                LENGTH: [len(ids) for ids in encoded["input_ids"]],
                TRUNCATED: [bool(one.overflowing) for one in encoded.encodings],
            }

        return mapped(rows, encode, fingerprint)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        from transformers import DataCollatorForSeq2Seq

        return DataCollatorForSeq2Seq(tokenizer)

    def model_settings(self) -> dict[str, Any]:
        return {}

    def predictions(
        self, model: PreTrainedModel, features: Dataset, rows: Dataset, tokenizer: Any, batch_size: int
    ) -> Predictions:
        """Summaries by beam search, as `task.summaries` says; texts of similar length share a batch."""
        import torch
        from torch.utils.data import DataLoader
        from transformers import DataCollatorWithPadding

        order = np.argsort(np.asarray(features[LENGTH][:]), kind="stable")[::-1]
        inputs = inputs_only(features.select(order)).remove_columns("labels")
        found: list[str] = []
        model.eval()
        loader = DataLoader(inputs, batch_size=batch_size, collate_fn=DataCollatorWithPadding(tokenizer))
        for batch in track(loader, "writing summaries", len(loader)):
            with torch.no_grad():
                ids = model.generate(**{k: v.to(model.device) for k, v in batch.items()}, **self.generation())  # type: ignore[operator]
            found += tokenizer.batch_decode(ids, skip_special_tokens=True)
        ids_of_rows = self.ids(rows)
        return Predictions({ids_of_rows[row]: text.strip() for row, text in sorted(zip(order, found, strict=True))})

    def generation(self) -> dict[str, Any]:
        """The settings of the model's `generate`."""
        settings = self.config.summaries
        return {
            "num_beams": settings.num_beams,
            "max_new_tokens": settings.max_new_tokens,
            "min_new_tokens": settings.min_new_tokens,
            "length_penalty": settings.length_penalty,
            "no_repeat_ngram_size": settings.no_repeat_ngram_size,
            "early_stopping": settings.early_stopping,
            "do_sample": False,
        }

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        given = [str(predictions.answers[id_]) for id_ in self.ids(rows)]
        from prune.tasks.metrics.rouge import Rouge

        return dict(Rouge().compute(predictions=given, references=rows[self.config.label][:]) or {})

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """The main metric of each summary."""
        from prune.tasks.metrics.rouge import scores_of_each

        given = [str(predictions.answers[id_]) for id_ in self.ids(rows)]
        return [scores[self.config.metrics[0]] for scores in scores_of_each(given, rows[self.config.label][:])]

    def chance(self, rows: Dataset) -> float:
        from prune.tasks.metrics.rouge import lead

        first = [lead(text, LEAD) for text in rows[self.config.text[0]][:]]
        return self.measure(Predictions(dict(zip(self.ids(rows), first, strict=True))), rows)[self.config.metrics[0]]


TASK = Summarization
