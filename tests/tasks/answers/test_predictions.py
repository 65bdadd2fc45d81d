"""Answers from a model's outputs, and their scores, by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prune.config.schema import AnswersConfig
from prune.tasks.answers.spans import Answer
from prune.tasks.base import Predictions
from prune.tasks.question_answering import QuestionAnswering
from tests.tasks.answers.questions import CONFIG, GOOD, NONE, UNANSWERABLE

SQUAD = Path(__file__).parents[3].parent / "shared" / "data" / "squad"


def oracle(task, rows, tokenizer):
    """Logits that are 100 on the right tokens, and the features that they belong to."""
    labels = task.features(rows, tokenizer, training=True)
    outputs = {
        f"{side}_logits": [
            100.0 * (np.arange(size) == place)
            for size, place in zip(labels["length"], labels[f"{side}_positions"], strict=True)
        ]
        for side in ("start", "end")
    }
    return outputs, task.features(rows, tokenizer, training=False)


def oracle_predictions(task, rows, tokenizer):
    return task.predict(*oracle(task, rows, tokenizer), rows)


@pytest.mark.parametrize("max_length", [16, 12])
def test_who_knows_the_right_tokens_gives_the_right_answers(folder, tokenizer, max_length):
    menu = folder(max_length=max_length)
    rows = menu.load()["validation"]
    predictions = oracle_predictions(menu, rows, tokenizer)
    assert predictions == Predictions({"0": "cold", "1": "very warm"})
    assert menu.measure(predictions, rows) == {"exact_match": 100.0, "f1": 100.0}


def test_predictions_are_told_apart_by_their_ids(folder, tokenizer):
    menu = folder(validation=[one | {"id": name} for one, name in zip(GOOD, "xy", strict=True)], id="id")
    assert oracle_predictions(menu, menu.load(["validation"])["validation"], tokenizer).answers == {
        "x": "cold",
        "y": "very warm",
    }


@pytest.mark.parametrize("max_length", [16, 12])
def test_who_knows_the_right_tokens_knows_what_has_no_answer(folder, tokenizer, max_length):
    menu = folder(validation=[*GOOD, NONE], answers=UNANSWERABLE, max_length=max_length)
    rows = menu.load()["validation"]
    predictions = oracle_predictions(menu, rows, tokenizer)
    assert predictions.answers == {"0": "cold", "1": "very warm", "2": ""}
    assert predictions.odds == {"0": -200.0, "1": -200.0, "2": 200.0}
    assert predictions.forced["2"] != ""
    scores = menu.score(predictions, rows)
    assert (scores["exact"], scores["HasAns_f1"], scores["NoAns_f1"], scores["best_f1"]) == (1.0, 1.0, 1.0, 1.0)
    assert scores["best_f1_thresh"] == -200.0


@pytest.mark.parametrize(("threshold", "answers"), [(-201, ["", ""]), (-200, ["cold", ""]), (200, ["cold", "the"])])
def test_an_answer_is_withheld_where_its_odds_exceed_the_threshold(folder, tokenizer, threshold, answers):
    settings = replace(UNANSWERABLE, null_threshold=threshold)
    menu = folder(validation=[GOOD[0], NONE], answers=settings)
    predictions = oracle_predictions(menu, menu.load()["validation"], tokenizer)
    assert list(predictions.answers.values()) == answers
    assert list(predictions.forced.values()) == ["cold", "the"]


@pytest.fixture
def three(folder):
    """Two answerable questions and one that is not; their rows."""
    menu = folder(validation=[*GOOD, NONE], answers=UNANSWERABLE, metrics=["f1", "exact"])
    return menu, menu.load()["validation"]


def test_a_score_is_a_fraction_and_a_threshold_stays_as_it_is(three):
    menu, rows = three
    predictions = Predictions(
        {"0": "cold", "1": "", "2": ""}, {"0": -3.0, "1": 5.0, "2": 7.0}, {"0": "cold", "1": "warm", "2": "tea"}
    )
    measured, scores = menu.measure(predictions, rows), menu.score(predictions, rows)
    # above 0 two questions count as unanswered: rightly one of them; above 5 only the one
    assert (measured["exact"], measured["best_exact"]) == (pytest.approx(200 / 3), 100.0)
    assert (scores["exact"], scores["best_exact"], scores["best_exact_thresh"]) == (pytest.approx(2 / 3), 1.0, 5.0)
    assert set(measured) - set(scores) == {"total", "HasAns_total", "NoAns_total"}


def test_withheld_answers_count_as_the_odds_say(three):
    menu, rows = three
    forced, odds = {"0": "cold", "1": "warm", "2": "tea"}, {"0": -3.0, "1": 5.0, "2": 7.0}
    withheld = {"0": "cold", "1": "", "2": ""}
    found = [menu.measure(Predictions(answers, odds), rows) for answers in (forced, withheld)]
    assert found[0]["f1"] == found[1]["f1"] == menu.measure(Predictions(withheld), rows)["f1"]


def test_without_odds_no_threshold_is_sought(three):
    menu, rows = three
    found = menu.measure(Predictions({"0": "cold", "1": "tea", "2": "tea"}), rows)
    assert (found["exact"], found["NoAns_exact"]) == (pytest.approx(100 / 3), 0.0)
    assert not any(name.startswith("best_") for name in found)


def test_chance_is_the_share_of_unanswerable_questions(three, folder):
    menu, rows = three
    assert menu.chance(rows) == pytest.approx(1 / 3)
    menu = folder()
    assert menu.chance(menu.load()["validation"]) == 0.0


def at_edges_of_words(row):
    """Whether the first true answer neither begins nor ends within a word, as "8" in "18" does in SQuAD."""
    start = row["answers"]["answer_start"][0]
    around = row["context"][max(start - 1, 0) : start + len(row["answers"]["text"][0]) + 1]
    return not any(one.isalnum() for one in around.split(row["answers"]["text"][0]))


@pytest.mark.skipif(not SQUAD.is_dir(), reason=f"SQuAD is not in {SQUAD}")
def test_answers_of_squad_survive_their_tokens(tokenizer):
    answers = AnswersConfig(stride=64, question_length=32, max_tokens=60)
    values = {"path": str(SQUAD), "id": "id", "max_length": 256, "answers": answers}
    task = QuestionAnswering(replace(CONFIG, **values), 0)
    rows = task.load(["validation"])["validation"].select(range(200)).filter(at_edges_of_words)
    assert len(rows) > 180
    assert task.measure(oracle_predictions(task, rows, tokenizer), rows)["exact_match"] > 99


def test_a_question_without_text_has_finite_odds():
    assert Answer(null_score=2.0).null_odds == 1e9
