"""From logits to answers, by hand."""

import numpy as np
import pytest

from prune.tasks.answers.spans import Window, best_answers, best_span

TEXT = "the soup was"
STARTS, ENDS = [-1, -1, -1, 0, 4, 9, -1], [-1, -1, -1, 3, 8, 12, -1]
"""[CLS] question [SEP] the soup was [SEP]: the text's tokens are those of number 3, 4 and 5"""


def window(starts, ends, null=(0.0, 0.0), other=99.0, question=0):
    """A window over TEXT, given the logits of its three words; `other`: those of question and separators."""
    logits = [[no, other, other, *words, other] for no, words in zip(null, (starts, ends), strict=True)]
    return Window(question, *np.float32(logits), np.array(STARTS), np.array(ENDS))


def test_the_highest_sum_wins_and_tokens_of_no_text_are_never_chosen():
    assert best_span(window([1, 2, 0], [0, 3, 1]), n_best=20, max_tokens=30) == (5.0, 4, 4)


def test_an_end_before_its_start_is_refused():
    assert best_span(window([0, 0, 4], [5, 1, 0]), n_best=20, max_tokens=30) == (5.0, 3, 3)


@pytest.mark.parametrize(("longest", "expected"), [(3, (10.0, 3, 5)), (2, (6.0, 3, 4)), (1, (5.5, 3, 3))])
def test_an_answer_that_is_too_long_is_refused(longest, expected):
    assert best_span(window([5, 0, 0], [0.5, 1, 5]), n_best=20, max_tokens=longest) == expected


@pytest.mark.parametrize(("number", "expected"), [(1, None), (2, (5.0, 3, 3)), (3, (5.0, 3, 3))])
def test_only_the_best_starts_and_ends_are_tried(number, expected):
    # the best start is after the best end; of the equal starts 3 and 4 the earlier one is the second best
    assert best_span(window([0, 0, 4], [5, 1, 0]), n_best=number, max_tokens=30) == expected


def test_the_second_best_pair_may_lie_beyond_the_number_tried():
    starts, ends = [3, 2, 1], [0, 0, 1]
    assert best_span(window(starts, ends), n_best=20, max_tokens=2) == (3.0, 3, 3)
    assert best_span(window(starts, ends), n_best=1, max_tokens=2) is None


def test_a_window_without_text_has_no_span():
    nothing = np.full(4, -1)
    logits = np.ones(4, np.float32)
    assert best_span(Window(0, logits, logits, nothing, nothing), n_best=20, max_tokens=30) is None


def answers(*windows, texts=(TEXT,), n_best=20, max_tokens=30):
    return best_answers(windows, texts, n_best, max_tokens)


def test_the_answer_is_cut_out_of_the_text():
    (answer,) = answers(window([0, 1, 0], [0, 0, 1]))
    assert (answer.text, answer.score) == ("soup was", 2.0)


def test_the_best_of_all_windows_counts():
    worse, best = window([1, 0, 0], [1, 0, 0]), window([0, 0, 2], [0, 0, 1])
    assert [answers(*order)[0].text for order in ((worse, best), (best, worse))] == ["was", "was"]
    assert answers(worse, best)[0].score == 3.0


def test_the_null_score_is_that_of_the_window_that_believes_in_it_least():
    windows = [window([1, 0, 0], [1, 0, 0], null) for null in ((3, 3), (1.5, 0.5), (4, 0))]
    (answer,) = answers(*windows)
    assert answer.null_score == 2.0
    assert answer.null_odds == 0.0


def test_null_odds_are_the_null_score_less_that_of_the_answer():
    (answer,) = answers(window([4, 0, 0], [1, 0, 0], null=(1, 2)))
    assert (answer.null_score, answer.score, answer.null_odds) == (3.0, 5.0, -2.0)


def test_questions_do_not_mix():
    first, second = window([5, 0, 0], [5, 0, 0], (1, 1)), window([0, 1, 0], [0, 1, 0], (2, 2), question=1)
    found = answers(second, first, texts=(TEXT, "our cake was"))
    assert [(answer.text, answer.null_odds) for answer in found] == [("the", -8.0), ("cake", 2.0)]


def test_a_question_without_any_span_has_the_empty_answer():
    (answer,) = answers(window([0, 0, 4], [5, 1, 0]), n_best=1)
    assert (answer.text, answer.score) == ("", -np.inf)
