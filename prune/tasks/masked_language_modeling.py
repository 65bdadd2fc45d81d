"""Texts with masked tokens -> these tokens: what encoders are pretrained by (Devlin et al. 2019)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.data.checks import is_number
from prune.data.features import IGNORED, LENGTH, TRUNCATED, inputs_only
from prune.errors import UserError
from prune.runtime.progress_bar import track
from prune.tasks.base import Predictions, Scores, Task, mapped

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MOST_LOGITS = 2**27
"""At most so many numbers are computed at a time: those of a batch are tokens times words."""
_LARGEST = 700.0
"""Exponents above are taken for it: a float ends soon after."""


class MaskedLanguageModeling(Task):
    """A text in the column `text`; there is no column with labels."""

    auto_class = "AutoModelForMaskedLM"
    encoders_only = True
    per_token = True
    keeps_teacher = False
    proof_examples = 8
    draws_features = True

    def __init__(self, config: TaskConfig, seed: int):
        super().__init__(config, seed)
        self._masked: dict[str, list[int]] = {}
        """Text -> those of its tokens that an evaluation masks."""

    def check_labels(self, where: str, values: pa.ChunkedArray) -> None:
        """Nothing: there are none."""

    def unusable(self, split: str, rows: Dataset) -> dict[str, list[int]]:
        empty = [row for row, text in enumerate(rows[self.config.text[0]][:]) if not text or not text.strip()]
        return {"an empty text": empty}

    def features(
        self, rows: Dataset, tokenizer: PreTrainedTokenizerBase, *, training: bool, fingerprint: str | None = None
    ) -> Dataset:
        """Model inputs; for an evaluation with masks, and with labels. Texts without a token to mask train nothing."""
        if tokenizer.mask_token_id is None:
            raise UserError(f"task.kind={self.config.kind}: the tokenizer of the model has no token for what is masked")

        def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
            texts = batch[self.config.text[0]]
            encoded = tokenizer(texts, truncation=True, max_length=self.config.max_length)
            columns: dict[str, Any] = {
                **encoded,
                LENGTH: [len(ids) for ids in encoded["input_ids"]],
                TRUNCATED: [bool(one.overflowing) for one in encoded.encodings],
            }
            return _to_train(columns, tokenizer) if training else self._to_evaluate(columns, texts, tokenizer)

        found = mapped(rows, encode, fingerprint)
        if not training:
            labels = ([id_ for id_ in of_text if id_ != IGNORED] for of_text in found["labels"][:])
            self._masked |= dict(zip(rows[self.config.text[0]][:], labels, strict=True))
        if len(found) == 0 or not (training or list(self._words(rows))):
            raise UserError(f"task {self.config.name}: no text has a token that the tokenizer of the model knows")
        return found

    def _to_evaluate(self, columns: dict[str, Any], texts: Sequence[str], tokenizer: Any) -> dict[str, Any]:
        """With masks in the `texts`, and with labels: what they hide."""
        from prune.data.masked_tokens import fixed_places

        special, hidden, labels = frozenset(tokenizer.all_special_ids), [], []
        for ids, text in zip(columns["input_ids"], texts, strict=True):
            places = {*fixed_places(ids, special, self.seed, text)}
            hidden.append([tokenizer.mask_token_id if place in places else id_ for place, id_ in enumerate(ids)])
            labels.append([id_ if place in places else IGNORED for place, id_ in enumerate(ids)])
        return columns | {"input_ids": hidden, "labels": labels}

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        from prune.data.masked_tokens import MaskingCollator

        return MaskingCollator(tokenizer, self.seed)

    def model_settings(self) -> dict[str, Any]:
        return {}

    def predictions(
        self, model: PreTrainedModel, features: Dataset, rows: Dataset, tokenizer: Any, batch_size: int
    ) -> Predictions:
        """The likeliest token at each masked place, and how likely the true ones are; logits are not kept."""
        import torch
        from torch.utils.data import DataLoader

        lengths = np.asarray(features[LENGTH][:])
        order = np.argsort(lengths, kind="stable")[::-1].tolist()
        size = max(1, min(batch_size, _MOST_LOGITS // (model.config.vocab_size * int(lengths.max()))))
        inputs, was_training, found = inputs_only(features.select(order)), model.training, []
        model.eval()
        loader = DataLoader(inputs, batch_size=size, collate_fn=self.collator(tokenizer))
        for batch in track(loader, "guessing masked tokens", len(loader)):
            labels = batch.pop("labels")
            with torch.no_grad():
                logits = model(**{name: values.to(model.device) for name, values in batch.items()}).logits
            found += list(_guesses(logits, labels.to(model.device), tokenizer))
        model.train(was_training)
        ids = self.ids(rows)
        return Predictions({ids[row]: answer for row, answer in sorted(zip(order, found, strict=True), key=_first)})

    def measure(self, predictions: Predictions, rows: Dataset) -> Scores:
        """Accuracy on the masked tokens of all texts, and exp of their mean negative log-likelihood.

        The pseudo-perplexity of Salazar et al. 2020 masks each token by itself; this is an estimate of it, from one
        pass over each text: of some tokens, which have less context, as others are masked with them.
        """
        answers = [_checked(id_, predictions.answers[id_]) for id_ in self.ids(rows)]
        number = sum(len(answer["actual"]) for answer in answers)
        if number == 0:
            raise UserError("predictions: there is no masked token in them")
        right = sum(
            guess == actual
            for answer in answers
            for guess, actual in zip(answer["tokens"], answer["actual"], strict=True)
        )
        likelihood = sum(answer["log_likelihood"] for answer in answers)
        scores = {"accuracy": right / number, "pseudo_perplexity": math.exp(min(_LARGEST, -likelihood / number))}
        return {name: scores[name] for name in self.config.metrics}

    def scores_of_each(self, predictions: Predictions, rows: Dataset) -> list[float]:
        """The share of the masked tokens that are guessed; 1 where there are none."""
        answers = [_checked(id_, predictions.answers[id_]) for id_ in self.ids(rows)]
        return [
            sum(map(str.__eq__, answer["tokens"], answer["actual"])) / len(answer["actual"])
            if answer["actual"]
            else 1.0
            for answer in answers
        ]

    def chance(self, rows: Dataset) -> float:
        """Of the words that are masked, as `features` has found them: the share of the most frequent, or the perplexity
        of their frequencies.
        """
        counts = np.asarray(list(Counter(self._words(rows)).values()))
        shares = counts / counts.sum()
        constant = {"accuracy": shares.max(), "pseudo_perplexity": np.exp(-(shares * np.log(shares)).sum())}
        return float(constant[self.config.metrics[0]])

    def _words(self, rows: Dataset) -> Iterator[int]:
        return (id_ for text in rows[self.config.text[0]][:] for id_ in self._masked[text])


def _to_train(columns: dict[str, Any], tokenizer: Any) -> dict[str, Any]:
    """Without the texts that have no token to mask."""
    from prune.data.masked_tokens import ordinary_places

    special = frozenset(tokenizer.all_special_ids)
    some = [bool(ordinary_places(ids, special)) for ids in columns["input_ids"]]
    return {name: [value for value, has in zip(values, some, strict=True) if has] for name, values in columns.items()}


def _guesses(logits: Tensor, labels: Tensor, tokenizer: Any) -> Iterator[dict[str, Any]]:
    """The answer to each text, from `logits` (texts, tokens, words) and `labels` (texts, tokens)."""
    for of_text, actual in zip(logits, labels, strict=True):
        masked = actual != IGNORED
        log_probabilities, true = of_text[masked].float().log_softmax(-1), actual[masked]
        likelihood = log_probabilities.gather(1, true.unsqueeze(1)).double().sum()
        yield {
            "tokens": _named(log_probabilities.argmax(-1), tokenizer),
            "actual": _named(true, tokenizer),
            "log_likelihood": float(likelihood),
        }


def _named(ids: Tensor, tokenizer: Any) -> list[str]:
    """Tokens by their name; a model may know numbers that its tokenizer has none for."""
    return [token or "" for token in tokenizer.convert_ids_to_tokens(ids.tolist())]


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


def _checked(id_: str, answer: Any) -> Mapping[str, Any]:
    """An answer of a predictions file."""
    given = answer if isinstance(answer, dict) else {}
    tokens, actual, likelihood = (given.get(name) for name in ("tokens", "actual", "log_likelihood"))
    lists = all(isinstance(one, list) and all(isinstance(token, str) for token in one) for one in (tokens, actual))
    if not lists or len(tokens or ()) != len(actual or ()):
        raise UserError(f"predictions: those of {id_} are not two lists of tokens, equally long, `tokens` and `actual`")
    if likelihood is None or not is_number(likelihood) or likelihood > 0:
        raise UserError(f"predictions: `log_likelihood` of {id_} is {likelihood!r}, no number of at most 0")
    return given


TASK = MaskedLanguageModeling
