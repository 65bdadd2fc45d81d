"""Metrics of answers to questions, as the official evaluations of SQuAD 1.1 and 2.0 define them; in percent.

Rajpurkar et al. 2016, section 6.1 (v1.1) and Rajpurkar, Jia, Liang 2018, section 5.1 (v2.0). An answer is compared with
each true answer after normalisation, and the best comparison counts.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import datasets
import evaluate

Comparison = Callable[[str, str], float]

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = set(string.punctuation)
"""ASCII only: the official evaluations leave other punctuation in place."""


def normalized(text: str) -> str:
    """Lower case, without punctuation, articles and superfluous white space, in this order."""
    text = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact(prediction: str, truth: str) -> float:
    """1 if both are the same after normalisation."""
    return float(normalized(prediction) == normalized(truth))


def f1(prediction: str, truth: str) -> float:
    """Harmonic mean of precision and recall of words; 0 where no word is shared."""
    return _f1_of_words(normalized(prediction).split(), normalized(truth).split())


def f1_or_both_empty(prediction: str, truth: str) -> float:
    """As `f1`, but where either has no words: 1 if both have none (v2.0)."""
    words, true_words = normalized(prediction).split(), normalized(truth).split()
    if not words or not true_words:
        return float(words == true_words)
    return _f1_of_words(words, true_words)


def _f1_of_words(words: list[str], true_words: list[str]) -> float:
    num_shared = sum((Counter(words) & Counter(true_words)).values())
    if num_shared == 0:
        return 0.0
    precision, recall = num_shared / len(words), num_shared / len(true_words)
    return 2 * precision * recall / (precision + recall)


def f1_of_each(predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> list[float]:
    """For each question the F1 of its answer, from 0 to 1; no answer is right where there is no true one (v2.0)."""
    return [
        _best(f1_or_both_empty, prediction, _true_answers(texts))
        for prediction, texts in zip(predictions, truths, strict=True)
    ]


def _best(compare: Comparison, prediction: str, truths: Sequence[str]) -> float:
    return max(compare(prediction, truth) for truth in truths)


class _AnswerMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate is not typed
    prediction: dict[str, Any] = {"id": datasets.Value("string"), "prediction_text": datasets.Value("string")}

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def _info(self) -> evaluate.MetricInfo:
        answers = {"text": [datasets.Value("string")], "answer_start": [datasets.Value("int32")]}
        reference = {"id": datasets.Value("string"), "answers": answers}
        features = datasets.Features({"predictions": self.prediction, "references": reference})
        return evaluate.MetricInfo(description=str(type(self).__doc__), citation="", features=features)


class SquadV1(_AnswerMetric):
    """SQuAD 1.1: exact_match and f1."""

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        given = {row["id"]: row["prediction_text"] for row in predictions}
        truths = {row["id"]: row["answers"]["text"] for row in references}
        return {
            name: 100.0 * sum(_best(compare, given[id_], texts) for id_, texts in truths.items()) / len(truths)
            for name, compare in (("exact_match", exact), ("f1", f1))
        }


class SquadV2(_AnswerMetric):
    """SQuAD 2.0: exact and f1, apart for questions with and without answer, and the best over all thresholds.

    `no_answer_probability` is a number that is the higher, the less an answer is believed in. Where it is above
    `no_answer_threshold` (official default: 1), the question counts as left unanswered.
    """

    prediction = _AnswerMetric.prediction | {"no_answer_probability": datasets.Value("float64")}

    def _compute(self, predictions: Any, references: Any, no_answer_threshold: float = 1.0) -> dict[str, float]:
        given = {row["id"]: row["prediction_text"] for row in predictions}
        odds = {row["id"]: row["no_answer_probability"] for row in predictions}
        truths = {row["id"]: _true_answers(row["answers"]["text"]) for row in references}
        with_answer = [row["id"] for row in references if row["answers"]["text"]]
        without = [row["id"] for row in references if not row["answers"]["text"]]
        scores = {
            name: {id_: _best(compare, given[id_], texts) for id_, texts in truths.items()}
            for name, compare in (("exact", exact), ("f1", f1_or_both_empty))
        }
        for_nothing = dict.fromkeys(with_answer, 0.0) | dict.fromkeys(without, 1.0)
        final = {
            name: {i: for_nothing[i] if odds[i] > no_answer_threshold else value for i, value in values.items()}
            for name, values in scores.items()
        }
        found = _means(final, list(truths), "")
        for prefix, ids in (("HasAns_", with_answer), ("NoAns_", without)):
            found |= _means(final, ids, prefix) if ids else {}
        for name, values in scores.items():
            best, threshold = best_threshold(given, values, odds, set(with_answer))
            found |= {f"best_{name}": best, f"best_{name}_thresh": threshold}
        return found


def _true_answers(texts: Sequence[str]) -> list[str]:
    """Those that are not empty after normalisation; the empty answer if there is none."""
    return [text for text in texts if normalized(text)] or [""]


def _means(scores: Mapping[str, Mapping[str, float]], ids: Sequence[str], prefix: str) -> dict[str, float]:
    means = {f"{prefix}{name}": 100.0 * sum(values[i] for i in ids) / len(ids) for name, values in scores.items()}
    return {**means, f"{prefix}total": len(ids)}


def best_threshold(
    given: Mapping[str, str], scores: Mapping[str, float], odds: Mapping[str, float], with_answer: set[str]
) -> tuple[float, float]:
    """The best mean score in percent, over all thresholds on `odds` above which a question counts as unanswerable.

    Returns it with the lowest threshold that reaches it. Threshold 0 stands for leaving all questions unanswered.
    """
    current = best = float(sum(id_ not in with_answer for id_ in scores))
    threshold = 0.0
    for id_ in sorted(odds, key=lambda id_: odds[id_]):
        if id_ in with_answer:
            current += scores[id_]
        elif given[id_]:
            current -= 1
        if current > best:
            best, threshold = current, odds[id_]
    return 100.0 * best / len(scores), threshold
