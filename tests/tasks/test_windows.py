"""Windows over long texts: what they hold, and which of their tokens an answer begins and ends with."""

import random
import string
from itertools import pairwise

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertTokenizer, PreTrainedTokenizerFast

from prune.tasks.answers.windows import Span, Windows, positions_of

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def pieces():
    """Knows three words; all others are cut into letters."""
    letters = [*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]
    return BertTokenizer(vocab={word: i for i, word in enumerate([*SPECIAL, "the", "soup", "was", *letters])})


@pytest.fixture(scope="module")
def characters():
    """Every character is a token, a blank too."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *string.ascii_lowercase, " "])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ends)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]")


LETTERS = " ".join(string.ascii_lowercase[:15])
"""Fifteen tokens; the one of number i begins at character 2 i."""
CUT = Windows(length=10, stride=2, question_length=3)


def numbers(starts):
    """Which letters of LETTERS a window holds."""
    return [start // 2 for start in starts if start >= 0]


def test_a_short_text_is_one_window(pieces):
    found = CUT.encode(["was"], ["the soups"], pieces)
    assert pieces.convert_ids_to_tokens(found["input_ids"][0]) == [
        "[CLS]",
        "was",
        "[SEP]",
        "the",
        "soup",
        "##s",
        "[SEP]",
    ]
    assert [list(starts) for starts in found["text_starts"]] == [[-1, -1, -1, 0, 4, 8, -1]]
    assert [list(ends) for ends in found["text_ends"]] == [[-1, -1, -1, 3, 8, 9, -1]]
    assert (found["example"], found["length"], found["truncated"]) == ([0], [7], [False])


def test_a_long_text_is_several_windows_that_overlap_by_the_stride(pieces):
    found = CUT.encode(["was"], [LETTERS], pieces)
    # ten tokens less [CLS], the question and two [SEP] are six
    held = [numbers(starts) for starts in found["text_starts"]]
    assert held == [[0, 1, 2, 3, 4, 5], [4, 5, 6, 7, 8, 9], [8, 9, 10, 11, 12, 13], [12, 13, 14]]
    assert found["length"] == [10, 10, 10, 7]


def test_a_text_that_just_fits_is_one_window(pieces):
    assert CUT.encode(["was"], [LETTERS[:11]], pieces)["length"] == [10]
    assert CUT.encode(["was"], [LETTERS[:13]], pieces)["length"] == [10, 7]


@pytest.mark.parametrize("stride", [0, 1, 3, 5])
@pytest.mark.parametrize("length", [10, 11, 14])
def test_windows_cover_each_token_and_overlap_by_the_stride(pieces, length, stride):
    found = Windows(length, stride, question_length=3).encode(["was"], [LETTERS], pieces)
    held = [numbers(starts) for starts in found["text_starts"]]
    assert len(held) > 1
    assert all(one[len(one) - stride :] == other[:stride] for one, other in pairwise(held))
    assert sorted({number for window in held for number in window}) == list(range(15))


def test_each_window_knows_its_question(pieces):
    found = CUT.encode(["was", "the", "soup"], [LETTERS, "soup", LETTERS[:13]], pieces)
    assert found["example"] == [0, 0, 0, 0, 1, 2, 2]
    assert [pieces.decode(ids).split()[1] for ids in found["input_ids"]] == ["was"] * 4 + ["the"] + ["soup"] * 2


def test_blanks_before_a_question_take_no_room(characters):
    found = CUT.encode(["   ab"], ["abc"], characters)
    assert characters.convert_ids_to_tokens(found["input_ids"][0])[:4] == ["[CLS]", "a", "b", "[SEP]"]
    assert found["truncated"] == [False]


def test_a_long_question_is_cut_and_counted_in_each_of_its_windows(pieces):
    found = CUT.encode(["a b c d", "a b c"], [LETTERS[:13], "soup"], pieces)
    tokens = [pieces.convert_ids_to_tokens(ids)[:5] for ids in found["input_ids"]]
    assert tokens == [["[CLS]", "a", "b", "c", "[SEP]"]] * 4
    assert found["truncated"] == [True, True, True, False]


def test_a_question_may_be_cut_within_a_word(pieces):
    found = Windows(10, 2, question_length=2).encode(["was soups"], ["the"], pieces)
    assert pieces.convert_ids_to_tokens(found["input_ids"][0]) == ["[CLS]", "was", "soup", "[SEP]", "the", "[SEP]"]


STARTS, ENDS = np.array([-1, -1, -1, 0, 4, 9, 13, -1]), np.array([-1, -1, -1, 3, 8, 12, 17, -1])
"""[CLS] question [SEP] the soup was good [SEP]"""
SECOND_HALF = np.array([-1, -1, -1, 6, 9, 13, -1]), np.array([-1, -1, -1, 8, 12, 17, -1])
"""[CLS] question [SEP] ##up was good [SEP]"""


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Span(4, 12), (4, 5)),
        (Span(0, 17), (3, 6)),
        (Span(4, 8), (4, 4)),
        (Span(5, 7), (4, 4)),
        (Span(6, 10), (4, 5)),
        (Span(3, 8), (3, 4)),
        (Span(13, 18), (0, 0)),
        (None, (0, 0)),
    ],
    ids=["two", "all", "one", "in_a_word", "parts_of_two", "blank_before", "beyond_the_end", "none"],
)
def test_positions_by_hand(answer, expected):
    assert positions_of(answer, STARTS, ENDS) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(Span(9, 17), (4, 5)), (Span(6, 8), (3, 3)), (Span(4, 8), (0, 0)), (Span(0, 12), (0, 0)), (Span(0, 3), (0, 0))],
    ids=["inside", "piece_inside", "word_cut", "answer_cut", "outside"],
)
def test_positions_in_a_window_that_begins_within_a_word(answer, expected):
    assert positions_of(answer, *SECOND_HALF) == expected


def test_a_window_without_text_holds_no_answer():
    nothing = np.full(4, -1)
    assert positions_of(Span(0, 3), nothing, nothing) == (0, 0)


def random_text(draw):
    return "".join(draw.choices("abc é—,  ", k=draw.randint(1, 60)))


def random_span(draw, text, longest):
    """A span of `text` that neither begins nor ends with a blank; None if the draw has none."""
    start = draw.randrange(len(text))
    chosen = text[start : start + draw.randint(1, longest)]
    stripped = chosen.lstrip()
    start += len(chosen) - len(stripped)
    return Span(start, start + len(stripped.rstrip())) if stripped else None


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("tokens", ["pieces", "characters"])
def test_the_labelled_tokens_hold_the_answer_and_no_token_too_many(seed, tokens, request):
    draw = random.Random(seed)
    text = random_text(draw)
    span = random_span(draw, text, longest=4)
    found = Windows(length=12, stride=4, question_length=3).encode(["a"], [text], request.getfixturevalue(tokens))
    labelled = 0
    for starts, ends in zip(found["text_starts"], found["text_ends"], strict=True):
        first, last = positions_of(span, starts, ends)
        inside = np.flatnonzero(starts >= 0)
        if (first, last) == (0, 0):
            assert span is None or span.start < starts[inside[0]] or span.end > ends[inside[-1]]
            continue
        labelled += 1
        assert starts[first] <= span.start < span.end <= ends[last]
        assert first == inside[-1] or starts[first + 1] > span.start
        assert last == inside[0] or ends[last - 1] < span.end
    assert labelled >= (span is not None), "four characters are at most four tokens, the overlap"
