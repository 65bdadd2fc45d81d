"""A question and a text -> a span of the text, or nothing: SQuAD 1.1 and 2.0, and data sets like them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from datasets import Dataset

from prune.data.checks import is_text
from prune.data.features import EXAMPLE, TEXT_ENDS, TEXT_STARTS
from prune.errors import UserError
from prune.runtime.progress_bar import track
from prune.tasks.answers.spans import Window, best_answers
from prune.tasks.answers.windows import Span, Windows, positions_of
from prune.tasks.base import OnePassTask, Outputs, Predictions, Scores, mapped, num_words
from prune.tasks.metrics.specs import spec_of

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

_QUESTION_WORDS = {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"}
FAR_BELOW = -1e4
"""A logit for tokens that a shorter input does not have."""


class QuestionAnswering(OnePassTask):
    """Question and text in the columns `text`; in the column `label` all true answers with where they begin."""

    auto_class = "AutoModelForQuestionAnswering"
    distilled = ("start_logits", "end_logits")
    per_token = True
    advice = MappingProxyType(
        {
            "no answer": ". If questions may be unanswerable, set task.answers.unanswerable=true and "
            "task.metrics=[f1,exact]"
        }
    )

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        kind = values.type
        named = {kind.field(i).name for i in range(kind.num_fields)} if pa.types.is_struct(kind) else set()
        if not is_text(kind) and not {"text", "answer_start"} <= named:
            raise UserError(
                f"{where}: the column {self.config.label!r} holds {kind}; expected the lists `text` and "
                '`answer_start`, or the same as JSON: {"text": ["Paris"], "answer_start": [17]}'
            )

    def usable(self, split: str, rows: Dataset) -> Dataset:
        rows = self._with_parsed_answers(split, rows)
        for number, answers in enumerate(rows[self.config.label][:]):
            if not _well_formed(answers):
                raise UserError(
                    f"task {self.config.name}, split {split!r}: the column {self.config.label!r} holds {answers!r} in "
                    f"row {number}; expected the lists `text` (texts) and `answer_start` (integers), of the same length"
                )
        return super().usable(split, rows)

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        found = super().unusable(split, rows)
        training = split == self.config.train_split
        missing, misplaced = [], []
        columns = (rows[self.config.text[1]][:], rows[self.config.label][:])
        for number, (text, answers) in enumerate(zip(*columns, strict=True)):
            if not answers["text"]:
                missing += [] if self.config.answers.unanswerable else [number]
            elif training and text is not None and not _stands_there(text, answers):
                misplaced.append(number)
        return found | {"no answer": missing, "an answer that does not stand at its offset": misplaced}

    def _with_parsed_answers(self, split: str, rows: Dataset) -> Dataset:
        if not is_text(rows.data.column(self.config.label).type):
            return rows
        parsed = []
        for number, cell in enumerate(rows[self.config.label][:]):
            try:
                content = json.loads(cell)
                parsed.append({"text": content["text"], "answer_start": content["answer_start"]})
                if not _well_formed(parsed[-1]):
                    raise ValueError
            except (TypeError, ValueError, KeyError) as error:
                raise UserError(
                    f"task {self.config.name}, split {split!r}: the column {self.config.label!r} is no JSON with "
                    f"`text` and `answer_start` in row {number}: {cell!r}"
                ) from error
        return rows.remove_columns(self.config.label).add_column(self.config.label, parsed)

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        settings = {
            "columns": (*self.config.text, self.config.label),
            "windows": self._windows(),
            "tokenizer": tokenizer,
            "training": training,
        }
        return mapped(rows, _encode_batch, fingerprint, fn_kwargs=settings, with_indices=True)

    def _windows(self) -> Windows:
        answers = self.config.answers
        return Windows(self.config.max_length, answers.stride, answers.question_length)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        return _Collator(tokenizer)

    def model_settings(self) -> dict[str, Any]:
        return {}

    def predict(self, outputs: Outputs, features: Dataset, rows: Dataset) -> Predictions:
        settings = self.config.answers
        windows = track(_windows_of(outputs, features), "finding answers", len(features))
        found = best_answers(windows, rows[self.config.text[1]][:], settings.n_best, settings.max_tokens)
        ids = self.ids(rows)
        forced = {id_: answer.text for id_, answer in zip(ids, found, strict=True)}
        if not settings.unanswerable:
            return Predictions(forced)
        odds = {id_: answer.null_odds for id_, answer in zip(ids, found, strict=True)}
        answers = {id_: "" if odds[id_] > settings.null_threshold else forced[id_] for id_ in ids}
        return Predictions(answers, odds, forced)

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        from prune.tasks.metrics.squad import SquadV1, SquadV2

        ids = self.ids(rows)
        references = [{"id": i, "answers": answers} for i, answers in zip(ids, rows[self.config.label][:], strict=True)]
        if not self.config.answers.unanswerable:
            plain = [{"id": i, "prediction_text": str(predictions.answers[i])} for i in ids]
            return dict(SquadV1().compute(predictions=plain, references=references) or {})
        # A threshold can only be sought where no answer has been withheld.
        answers = predictions.forced or predictions.answers
        given: list[dict[str, Any]] = [
            {"id": i, "prediction_text": str(answers[i]), "no_answer_probability": predictions.odds.get(i, 0.0)}
            for i in ids
        ]
        threshold = self.config.answers.null_threshold if predictions.odds else math.inf
        scores = dict(SquadV2().compute(predictions=given, references=references, no_answer_threshold=threshold) or {})
        return {name: value for name, value in scores.items() if predictions.odds or not name.startswith("best_")}

    def score(self, predictions: Predictions, rows: Dataset, reference: Mapping[str, Any] | None = None) -> Scores:
        measured = self.measure(predictions, rows)
        return {
            name: value / 100 if spec_of(name).is_score else value
            for name, value in measured.items()
            if not name.endswith("total")
        }

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """The F1 of each answer."""
        from prune.tasks.metrics.squad import f1_of_each

        given = [str(predictions.answers[id_]) for id_ in self.ids(rows)]
        return f1_of_each(given, [answers["text"] for answers in rows[self.config.label][:]])

    def slice_columns(self, rows: Dataset) -> dict[str, Sequence[Any]]:
        question, text = self.config.text
        answers = [answers["text"] for answers in rows[self.config.label][:]]
        columns: dict[str, Sequence[Any]] = {
            "question word": [question_word(one) for one in rows[question][:]],
            "text length": [num_words(one) for one in rows[text][:]],
            "answer length": [min(map(num_words, texts), default=0) for texts in answers],
        }
        if self.config.answers.unanswerable:
            columns["answerable"] = ["yes" if texts else "no" for texts in answers]
        return columns | {name: values for name, values in super().slice_columns(rows).items() if name != "length"}

    def chance(self, rows: Dataset) -> float:
        empty = dict.fromkeys(self.ids(rows), "")
        return self.score(Predictions(empty, dict.fromkeys(empty, 0.0)), rows)[self.config.metrics[0]]


def question_word(question: str) -> str:
    """The first interrogative in a question, or `other`."""
    words = (word.strip("?,.'\"").lower() for word in question.split())
    return next((word for word in words if word in _QUESTION_WORDS), "other")


def _well_formed(answers: Any) -> bool:
    texts, starts = (
        (answers.get(key) for key in ("text", "answer_start")) if isinstance(answers, dict) else (None, None)
    )
    return (
        isinstance(texts, list)
        and isinstance(starts, list)
        and len(texts) == len(starts)
        and all(isinstance(text, str) for text in texts)
        and all(type(start) is int for start in starts)
    )


def _stands_there(text: str, answers: dict[str, list[Any]]) -> bool:
    start, answer = answers["answer_start"][0], answers["text"][0]
    return bool(answer) and text[start : start + len(answer)] == answer


def _encode_batch(
    batch: dict[str, list[Any]],
    indices: list[int],
    columns: tuple[str, str, str],
    windows: Windows,
    tokenizer: PreTrainedTokenizerBase,
    training: bool,
) -> dict[str, list[Any]]:
    question, text, label = columns
    encoded = windows.encode(batch[question], batch[text], tokenizer)
    if training:
        spans = [_first_span(answers) for answers in batch[label]]
        places = [
            positions_of(spans[example], starts, ends)
            for example, starts, ends in zip(
                encoded[EXAMPLE], encoded.pop(TEXT_STARTS), encoded.pop(TEXT_ENDS), strict=True
            )
        ]
        encoded["start_positions"], encoded["end_positions"] = map(list, zip(*places, strict=True))
    encoded[EXAMPLE] = [indices[example] for example in encoded[EXAMPLE]]
    return encoded


def _first_span(answers: dict[str, list[Any]]) -> Span | None:
    if not answers["text"]:
        return None
    start = answers["answer_start"][0]
    return Span(start, start + len(answers["text"][0]))


def _windows_of(outputs: Outputs, features: Dataset) -> Iterator[Window]:
    columns = features.select_columns([EXAMPLE, TEXT_STARTS, TEXT_ENDS]).with_format("numpy")
    pairs = zip(columns, outputs["start_logits"], outputs["end_logits"], strict=True)
    for row, start_logits, end_logits in pairs:
        starts = row[TEXT_STARTS]
        yield Window(int(row[EXAMPLE]), start_logits, end_logits, starts, row[TEXT_ENDS])


class _Collator:
    """Pads inputs, and what a teacher said about each token."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        import torch

        names = [name for name in rows[0] if name in self.tokenizer.model_input_names]
        batch = dict(self.tokenizer.pad({name: [row[name] for row in rows] for name in names}, return_tensors="pt"))
        width = batch["input_ids"].shape[1]
        for name in rows[0].keys() - set(names):
            values = [row[name] for row in rows]
            if isinstance(values[0], list):
                values = [value + [FAR_BELOW] * (width - len(value)) for value in values]
            batch[name] = torch.tensor(values)
        return batch


TASK = QuestionAnswering
