"""The metrics of answers, worked out by hand from the definitions of SQuAD 1.1 and 2.0."""

import random

import pytest

from prune.tasks.metrics.squad import SquadV1, SquadV2, best_threshold, exact, f1, f1_or_both_empty, normalized


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Soup", "soup"),
        ("U.S.A.", "usa"),
        ("well-known", "wellknown"),
        ("an apple and a pear", "apple and pear"),
        ("theory of Ana", "theory of ana"),
        ("t-he tea", "tea"),
        ("the.tea", "thetea"),
        ("  cold\t soup \n", "cold soup"),
        ("“tea”", "“tea”"),
        ("$5,000", "5000"),
        ("The", ""),
        ("", ""),
    ],
)
def test_normalisation_by_hand(text, expected):
    assert normalized(text) == expected


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [("The tea!", "tea", 1.0), ("teas", "tea", 0.0), ("", "the", 1.0), ("tea soup", "soup tea", 0.0)],
)
def test_exact_by_hand(prediction, truth, expected):
    assert exact(prediction, truth) == expected


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        ("tea", "red tea", 2 / 3),
        ("soup tea", "the tea, soup", 1.0),
        ("soup", "tea", 0.0),
        ("red red tea", "red tea tea", 2 / 3),
        ("red red red", "red", 1 / 2),
    ],
    ids=["half", "any_order", "nothing", "repeated_in_both", "repeated_in_one"],
)
def test_f1_by_hand(prediction, truth, expected):
    assert f1(prediction, truth) == f1_or_both_empty(prediction, truth) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prediction", "truth", "in_v1", "in_v2"), [("", "", 0, 1), ("the", "", 0, 1), ("", "tea", 0, 0), ("tea", "", 0, 0)]
)
def test_f1_where_no_words_are_left(prediction, truth, in_v1, in_v2):
    assert f1(prediction, truth) == in_v1
    assert f1_or_both_empty(prediction, truth) == in_v2


def truths(**answers):
    return [{"id": id_, "answers": {"text": list(a), "answer_start": [0] * len(a)}} for id_, a in answers.items()]


def test_the_best_of_several_true_answers_counts_in_percent():
    predictions = [{"id": "b", "prediction_text": "the cold bread"}, {"id": "a", "prediction_text": "tea"}]
    references = truths(a=["red tea", "tea"], b=["cold soup", "very cold soup"])
    # b: 1 of 2 words is right, and 1 of 2 is found
    assert SquadV1().compute(predictions=predictions, references=references) == {"exact_match": 50.0, "f1": 75.0}


def test_an_empty_prediction_is_wrong_in_v1():
    predictions = [{"id": "a", "prediction_text": ""}]
    assert SquadV1().compute(predictions=predictions, references=truths(a=["tea"])) == {"exact_match": 0.0, "f1": 0.0}


def v2(answers, given, **settings):
    """`given`: id -> prediction and how much is to be said for none."""
    predictions = [{"id": i, "prediction_text": p, "no_answer_probability": odds} for i, (p, odds) in given.items()]
    return SquadV2().compute(predictions=predictions, references=truths(**answers), **settings)


ANSWERS = {"a": ["Paris"], "b": ["the red tea"], "c": [], "d": []}
GIVEN = {"a": ("Paris", 0.1), "b": ("red cake", 0.3), "c": ("", 0.9), "d": ("soup", 0.6)}


def test_v2_by_hand():
    assert v2(ANSWERS, GIVEN) == {
        "exact": 50.0,
        "f1": 62.5,
        "total": 4,
        "HasAns_exact": 50.0,
        "HasAns_f1": 75.0,
        "HasAns_total": 2,
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
        "NoAns_total": 2,
        "best_exact": 75.0,
        "best_exact_thresh": 0.1,
        "best_f1": 87.5,
        "best_f1_thresh": 0.3,
    }


@pytest.mark.parametrize(
    ("threshold", "of_all", "with_answer", "without"),
    [(0.05, 50.0, 0.0, 100.0), (0.29, 75.0, 50.0, 100.0), (0.3, 87.5, 75.0, 100.0), (0.6, 62.5, 75.0, 50.0)],
)
def test_above_the_threshold_a_question_counts_as_unanswered(threshold, of_all, with_answer, without):
    found = v2(ANSWERS, GIVEN, no_answer_threshold=threshold)
    assert (found["f1"], found["HasAns_f1"], found["NoAns_f1"]) == (of_all, with_answer, without)


def test_the_best_does_not_depend_on_the_threshold():
    found = [v2(ANSWERS, GIVEN, no_answer_threshold=threshold) for threshold in (-1.0, 0.5, 2.0)]
    assert {(scores["best_exact"], scores["best_f1"], scores["best_f1_thresh"]) for scores in found} == {
        (75.0, 87.5, 0.3)
    }


def test_where_every_answer_is_wrong_none_is_best():
    found = v2({"a": ["Paris"], "b": [], "c": []}, {"a": ("Rome", 0.2), "b": ("tea", 0.1), "c": ("", 0.3)})
    assert (found["exact"], found["best_exact"], found["best_exact_thresh"]) == (pytest.approx(100 / 3), 200 / 3, 0.0)


@pytest.mark.parametrize(("kept", "gone"), [("ab", "NoAns_"), ("cd", "HasAns_")])
def test_there_is_no_mean_over_no_questions(kept, gone):
    found = v2({id_: ANSWERS[id_] for id_ in kept}, {id_: GIVEN[id_] for id_ in kept})
    assert not any(name.startswith(gone) for name in found)
    assert len(found) == 3 + 3 + 4


def test_a_true_answer_without_words_is_no_true_answer():
    found = v2({"a": ["the", "tea"], "b": ["the"]}, {"a": ("", 0.0), "b": ("", 0.0)})
    assert (found["HasAns_exact"], found["HasAns_f1"]) == (50.0, 50.0)


WORDS = ["red", "cold", "tea", "soup"]


def random_questions(seed):
    """True answers by id, and predictions with distinct odds in (0, 1)."""
    draw = random.Random(seed)

    def some_words(least):
        return " ".join(draw.choices(WORDS, k=draw.randint(least, 3)))

    answers = {str(i): [some_words(1) for _ in range(draw.randint(0, 2))] for i in range(12)}
    odds = draw.sample(range(1, 1000), len(answers))
    return answers, {id_: (some_words(0), number / 1000) for id_, number in zip(answers, odds, strict=True)}


def mean_at(threshold, answers, given, compare):
    """The mean in percent where questions with odds above `threshold` are left unanswered."""
    left = {id_: "" if odds > threshold else text for id_, (text, odds) in given.items()}
    return 100 * sum(max(compare(left[i], truth) for truth in a or [""]) for i, a in answers.items()) / len(answers)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(("name", "compare"), [("exact", exact), ("f1", f1_or_both_empty)])
def test_the_best_is_that_of_a_search_over_all_thresholds(seed, name, compare):
    answers, given = random_questions(seed)
    scores = {i: max(compare(given[i][0], truth) for truth in a or [""]) for i, a in answers.items()}
    texts, odds = ({i: pair[place] for i, pair in given.items()} for place in (0, 1))
    best, threshold = best_threshold(texts, scores, odds, {i for i, a in answers.items() if a})
    means = {t: mean_at(t, answers, given, compare) for t in [0.0, *sorted(odds.values())]}
    assert best == pytest.approx(max(means.values()))
    assert threshold == min(t for t, mean in means.items() if mean == pytest.approx(best))
    found = v2(answers, given)
    assert (found[f"best_{name}"], found[f"best_{name}_thresh"]) == (best, threshold)
