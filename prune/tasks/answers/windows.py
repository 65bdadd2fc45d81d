"""Sliding windows: a long text becomes several inputs, each with the question (Devlin et al. 2019, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prune.data.features import EXAMPLE, LENGTH, TEXT_ENDS, TEXT_STARTS, TRUNCATED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Positions = np.ndarray[Any, Any]
NOWHERE = -1
NO_ANSWER = 0
"""The token that stands for no answer: the first one, which classifies the whole input."""


@dataclass(frozen=True)
class Span:
    """Where an answer lies in its text, in characters; `end` is exclusive."""

    start: int
    end: int


@dataclass(frozen=True)
class Windows:
    """How a text is cut, in tokens."""

    length: int
    """Of a whole input: question, window, and special tokens."""
    stride: int
    """Overlap of neighbouring windows."""
    question_length: int
    """Longer questions are cut."""

    def encode(
        self, questions: Sequence[str], texts: Sequence[str], tokenizer: PreTrainedTokenizerBase
    ) -> dict[str, list[Any]]:
        """One entry per window: the model's inputs, the window's question, and where each token lies in the text."""
        short, was_cut = self._shortened([question.lstrip() for question in questions], tokenizer)
        encoded = tokenizer(
            short,
            list(texts),
            truncation="only_second",
            max_length=self.length,
            stride=self.stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        example = encoded.pop("overflow_to_sample_mapping")
        offsets = encoded.pop("offset_mapping")
        columns: dict[str, list[Any]] = {**encoded, EXAMPLE: example, TEXT_STARTS: [], TEXT_ENDS: []}
        for window, pairs in enumerate(offsets):
            of_text = np.asarray([part == 1 for part in encoded.sequence_ids(window)])
            positions = np.where(of_text[:, None], np.asarray(pairs, dtype=np.int32), NOWHERE)
            columns[TEXT_STARTS].append(positions[:, 0])
            columns[TEXT_ENDS].append(positions[:, 1])
        columns[LENGTH] = [len(ids) for ids in encoded["input_ids"]]
        columns[TRUNCATED] = [was_cut[index] for index in example]
        return columns

    def _shortened(self, questions: list[str], tokenizer: PreTrainedTokenizerBase) -> tuple[list[str], list[bool]]:
        offsets = tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        limit = self.question_length
        cut = [len(pairs) > limit for pairs in offsets]
        ends = [pairs[limit - 1][1] if long else None for pairs, long in zip(offsets, cut, strict=True)]
        return [question[:end] for question, end in zip(questions, ends, strict=True)], cut


def positions_of(answer: Span | None, starts: Positions, ends: Positions) -> tuple[int, int]:
    """First and last token of `answer` in a window; `NO_ANSWER` twice if it does not lie in it as a whole.

    `starts`, `ends`: where each token lies in the text, in characters; -1 for tokens of no text.
    """
    inside = np.flatnonzero(starts != NOWHERE)
    if answer is None or len(inside) == 0 or answer.start < starts[inside[0]] or answer.end > ends[inside[-1]]:
        return NO_ANSWER, NO_ANSWER
    first = inside[np.searchsorted(starts[inside], answer.start, side="right") - 1]
    last = inside[np.searchsorted(ends[inside], answer.end, side="left")]
    return int(first), int(max(first, last))
