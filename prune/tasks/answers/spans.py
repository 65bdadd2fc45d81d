"""From the logits of an answer's first and last token to its text (Devlin et al. 2019, sections 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.tasks.answers.windows import NO_ANSWER, NOWHERE, Positions

Logits = np.ndarray[Any, Any]


@dataclass
class Answer:
    """The best answer to one question over all its windows."""

    text: str = ""
    score: float = -np.inf
    """Sum of the logits of its first and last token."""
    null_score: float = np.inf
    """The same sum for no answer: that of the window that believes in it least."""

    @property
    def null_odds(self) -> float:
        """How much more is to be said for no answer than for this one; at most 1e9, where there is no text."""
        return min(float(self.null_score - self.score), 1e9)


@dataclass(frozen=True)
class Window:
    """One input of a question. Shapes: (tokens,)."""

    question: int
    start_logits: Logits
    end_logits: Logits
    starts: Positions
    """Where each token begins in the text, in characters; -1 for tokens of no text."""
    ends: Positions


def best_answers(windows: Iterable[Window], texts: Sequence[str], n_best: int, max_tokens: int) -> list[Answer]:
    """The best answer to each question, out of the `n_best` first and last tokens of each window."""
    answers = [Answer() for _ in texts]
    for window in windows:
        answer = answers[window.question]
        null_score = float(window.start_logits[NO_ANSWER] + window.end_logits[NO_ANSWER])
        answer.null_score = min(answer.null_score, null_score)
        found = best_span(window, n_best, max_tokens)
        if found is not None and found[0] > answer.score:
            answer.score, first, last = found
            answer.text = texts[window.question][window.starts[first] : window.ends[last]]
    return answers


def best_span(window: Window, n_best: int, max_tokens: int) -> tuple[float, int, int] | None:
    """Score, first and last token of the best span of at most `max_tokens`; None if there is none."""
    inside = np.flatnonzero(window.starts != NOWHERE)
    firsts, lasts = (_top(logits, inside, n_best) for logits in (window.start_logits, window.end_logits))
    lengths = lasts[None, :] - firsts[:, None] + 1
    scores = window.start_logits[firsts][:, None] + window.end_logits[lasts][None, :]
    scores = np.where((lengths >= 1) & (lengths <= max_tokens), scores, -np.inf)
    if scores.size == 0 or scores.max() == -np.inf:
        return None
    row, column = np.unravel_index(scores.argmax(), scores.shape)
    return float(scores[row, column]), int(firsts[row]), int(lasts[column])


def _top(logits: Logits, among: Positions, number: int) -> Positions:
    """The `number` positions of the highest logits, the highest first; of equal ones the earlier first."""
    return among[np.argsort(-logits[among], kind="stable")[:number]]
