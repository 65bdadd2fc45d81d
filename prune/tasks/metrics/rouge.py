"""ROUGE (Lin 2004) as the `rouge_score` library computes it, with stemming: mean F-measures, fractions in [0, 1]."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
from rouge_score.rouge_scorer import RougeScorer

from prune.tasks.metrics import specs

NAMES = specs.NAMES["summarization"]
_SENTENCE_END = re.compile(r"([.!?][\"')\]\u201d\u2019]*)\s+")  # with quotes and brackets that close there


def sentences(text: str) -> list[str]:
    """The sentences of a text: at its line breaks if it has any, else after `.`, `!` and `?`."""
    parts = text.split("\n") if "\n" in text.strip() else _SENTENCE_END.sub(r"\1\n", text).split("\n")
    return [part.strip() for part in parts if part.strip()]


class Rouge(evaluate.Metric):  # type: ignore[misc]  # evaluate is not typed
    """ROUGE-1, -2, -L over the whole text, and -Lsum over its sentences."""

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def _info(self) -> evaluate.MetricInfo:
        features = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})
        return evaluate.MetricInfo(description=str(type(self).__doc__), citation="", features=features)

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        scores = scores_of_each(predictions, references)
        return {name: sum(score[name] for score in scores) / len(scores) for name in NAMES}


def scores_of_each(predictions: Sequence[str], references: Sequence[str]) -> list[dict[str, float]]:
    """For each prediction name -> F-measure."""
    scorer = RougeScorer(list(NAMES), use_stemmer=True)
    scores = [
        scorer.score(_by_line(reference), _by_line(prediction))
        for prediction, reference in zip(predictions, references, strict=True)
    ]
    return [{name: float(score[name].fmeasure) for name in NAMES} for score in scores]


def _by_line(text: str) -> str:
    return "\n".join(sentences(text))


def lead(text: str, number: int) -> str:
    """The first sentences of a text: the baseline of news summaries (See et al. 2017, section 5)."""
    every = [sentence for line in text.splitlines() for sentence in sentences(line)]
    return "\n".join(every[:number])
