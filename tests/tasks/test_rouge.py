"""ROUGE worked out by hand: an F-measure is twice the overlap over the lengths of both; sentences, and the lead."""

import pytest

from prune.tasks.metrics.rouge import Rouge, lead, sentences


def rouge(prediction, reference):
    return Rouge().compute(predictions=[prediction], references=[reference])


@pytest.mark.parametrize(
    ("prediction", "reference", "one", "two", "longest"),
    [
        ("the tea was warm", "the tea was warm", 1.0, 1.0, 1.0),
        ("the tea was warm", "the tea was very warm", 8 / 9, 4 / 7, 8 / 9),
        ("the tea was warm", "warm the tea", 6 / 7, 2 / 5, 4 / 7),
        ("tea tea tea", "tea soup", 2 / 5, 0.0, 2 / 5),
        ("The Tea!", "the tea", 1.0, 1.0, 1.0),
        ("bread", "soup", 0.0, 0.0, 0.0),
    ],
    ids=["same", "one_missing", "other_order", "repeated", "capitals", "nothing"],
)
def test_rouge_by_hand(prediction, reference, one, two, longest):
    found = rouge(prediction, reference)
    expected = {"rouge1": one, "rouge2": two, "rougeL": longest, "rougeLsum": longest}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [("cooks warming", "cooked warms", 1.0), ("goes", "went", 0.0), ("cooking soup", "cooks tea", 1 / 2)],
)
def test_words_are_compared_by_their_stems(prediction, reference, expected):
    assert rouge(prediction, reference)["rouge1"] == expected


@pytest.mark.parametrize(
    ("prediction", "reference"), [("", "the tea"), (" \n", "the tea"), ("...", "tea"), ("tea", "")]
)
def test_without_words_there_is_no_overlap(prediction, reference):
    assert set(rouge(prediction, reference).values()) == {0.0}


def test_the_scores_are_means_over_the_texts():
    found = Rouge().compute(predictions=["the tea", "", "the tea was warm"], references=["the tea", "soup", "warm tea"])
    assert found["rouge1"] == pytest.approx((1 + 0 + 4 / 6) / 3)


def test_the_order_of_sentences_does_not_matter_to_lsum():
    found = rouge("the soup was cold\nthe tea was warm", "the tea was warm\nthe soup was cold")
    # of eight words, four stand in a row in both
    assert (found["rougeL"], found["rougeLsum"]) == (1 / 2, 1.0)


@pytest.mark.parametrize("texts", [("Soup. Tea.", "tea soup"), ("tea soup", "Soup. Tea.")], ids=["written", "true"])
def test_sentences_on_one_line_are_found_for_lsum(texts):
    found = rouge(*texts)
    assert (found["rougeL"], found["rougeLsum"]) == (1 / 2, 1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good tea. Bad soup! Why?  He left", ["Good tea.", "Bad soup!", "Why?", "He left"]),
        ('He said "go." Then he left.', ['He said "go."', "Then he left."]),
        ("He said 'go!' (Twice.) She stayed.", ["He said 'go!'", "(Twice.)", "She stayed."]),
        ("He said “go.” She: \u2018no.\u2019 Both left.", ["He said “go.”", "She: \u2018no.\u2019", "Both left."]),
        ("It was 3.5 degrees at cnn.com today", ["It was 3.5 degrees at cnn.com today"]),
        ("Good tea. Very\nBad soup .\n\n He left", ["Good tea. Very", "Bad soup .", "He left"]),
        ("\n Good tea. Bad soup.\n", ["Good tea.", "Bad soup."]),
        (" \n ", []),
        ("", []),
    ],
    ids=["marks", "quotes", "brackets", "curly_quotes", "numbers", "lines", "outer_lines", "blank", "empty"],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A tea. B soup. C bed. D lamp.", "A tea.\nB soup.\nC bed."), ("A tea. B\nC\nD\nE", "A tea.\nB\nC"), ("A", "A")],
)
def test_the_lead_is_the_first_sentences(text, expected):
    assert lead(text, 3) == expected
