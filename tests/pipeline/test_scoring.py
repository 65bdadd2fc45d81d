"""`prune score`: the metrics of a file of predictions, and what is wrong with such a file."""

import json
from pathlib import Path

import pytest

from prune.composition.compose import compose_and_call
from prune.pipeline.scoring import score
from tests.tasks.files import write

REVIEWS = [{"text": "the soup was good", "label": label} for label in (0, 1, 1)]
TEXT = "the soup was cold but the tea was warm"
ANSWERS = {"a": "cold", "b": "the tea", "c": None}

pytestmark = pytest.mark.usefixtures("elsewhere")


def questions(ids):
    for id_ in ids:
        texts = [ANSWERS[id_]] if ANSWERS[id_] else []
        answers = {"text": texts, "answer_start": [TEXT.find(text) for text in texts]}
        yield {"key": id_, "question": "what", "context": TEXT, "answers": answers}


@pytest.fixture
def reviews(tmp_path):
    write(tmp_path / "reviews" / "validation.jsonl", REVIEWS)
    return ["task=text_classification", "task.path=./reviews", "task.labels=[bad,good]", "task.metrics=[accuracy,f1]"]


@pytest.fixture
def v1(tmp_path):
    write(tmp_path / "v1" / "validation.jsonl", questions("ab"))
    return ["task=squad", "task.path=./v1", "task.id=key"]


@pytest.fixture
def v2(tmp_path):
    write(tmp_path / "v2" / "validation.jsonl", questions("abc"))
    return ["task=squad_v2", "task.path=./v2", "task.id=key"]


@pytest.fixture
def call(prune):
    """Calls `prune score` with contents of its files, `predictions=` and so on: code, standard output and error."""

    def run(words, **contents):
        for name, content in contents.items():
            write(Path(f"{name}.json"), content if isinstance(content, str) else json.dumps(content))
        return prune("score", *words, *(f"{name}={name}.json" for name in contents))

    return run


def scored(call, words, **contents):
    code, out, err = call(words, **contents)
    assert code == 0, err
    return json.loads(out)


def refused(call, words, **contents):
    code, out, err = call(words, **contents)
    assert (code, out) == (2, "")
    return " ".join(err.split())


def test_labels_are_scored_by_row(call, reviews):
    found = scored(call, reviews, predictions={"0": "good", "1": "good", "2": "good"})
    assert found == {"accuracy": pytest.approx(2 / 3), "f1": pytest.approx(4 / 5)}


def test_labels_are_read_off_the_training_split_and_answers_may_be_numbers(call, reviews, tmp_path):
    write(tmp_path / "reviews" / "train.jsonl", [{"text": "a", "label": label} for label in ("0", "1", "1", "0")])
    write(tmp_path / "reviews" / "validation.jsonl", [row | {"label": str(row["label"])} for row in REVIEWS])
    found = scored(call, [*reviews, "task.labels=[]"], predictions={"0": "0", "1": 1, "2": 0})
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_ranks_are_scored_with_probabilities(call, reviews):
    words, answers = [*reviews, "task.metrics=[roc_auc]"], {"0": "good", "1": "good", "2": "good"}
    ranks = {"0": [0.4, 0.6], "1": [0.3, 0.7], "2": [0.45, 0.55]}
    assert scored(call, words, predictions=answers, probabilities=ranks) == {"roc_auc": 0.5}
    said = "task.metrics: roc_auc is of probabilities: name them with probabilities=<file>"
    assert said in refused(call, words, predictions=answers)


@pytest.mark.parametrize("bad", [[0.5], "high", [0.5, "x"], [0.5, 0.6], None], ids=str)
def test_probabilities_that_are_none_are_refused(call, reviews, bad):
    answers = {"0": "good", "1": "good", "2": "good"}
    said = refused(
        call, [*reviews, "task.metrics=[roc_auc]"], predictions=answers, probabilities=dict.fromkeys(answers, bad)
    )
    assert "of 0 are not 2 numbers, one for each label, whose sum is 1" in said


def test_answers_are_scored_in_percent(call, v1):
    found = scored(call, v1, predictions={"a": "Cold!", "b": "red tea"})
    assert found == {"exact_match": 50.0, "f1": pytest.approx(100 * (1 + 2 / 3) / 2)}


GIVEN = {"a": "cold", "b": "tea soup", "c": "soup"}


def test_unanswerable_questions_are_scored_without_odds(call, v2):
    assert scored(call, v2, predictions=GIVEN) == {
        "exact": pytest.approx(100 / 3),
        "f1": pytest.approx(100 * (1 + 2 / 3) / 3),
        "total": 3,
        "HasAns_exact": 50.0,
        "HasAns_f1": pytest.approx(100 * (1 + 2 / 3) / 2),
        "HasAns_total": 2,
        "NoAns_exact": 0.0,
        "NoAns_f1": 0.0,
        "NoAns_total": 1,
    }


def test_unanswerable_questions_are_scored_with_odds(call, v2):
    found = scored(call, v2, predictions=GIVEN, null_odds={"a": -2, "b": 1.5, "c": 3})
    assert (found["exact"], found["HasAns_exact"], found["NoAns_exact"]) == (pytest.approx(200 / 3), 50.0, 100.0)
    assert (found["best_exact"], found["best_exact_thresh"]) == (pytest.approx(200 / 3), -2.0)
    assert (found["best_f1"], found["best_f1_thresh"]) == (pytest.approx(100 * (1 + 2 / 3 + 1) / 3), 1.5)


def test_the_threshold_is_the_tasks(call, v2):
    odds = {"a": -2, "b": 1.5, "c": 3}
    found = scored(call, [*v2, "task.answers.null_threshold=2"], predictions=GIVEN, null_odds=odds)
    assert found["HasAns_f1"] == pytest.approx(100 * (1 + 2 / 3) / 2)


def test_the_value_is_the_main_metric(v1, tmp_path):
    write(tmp_path / "file.json", json.dumps({"a": "Cold!", "b": "red tea"}))
    (found,) = compose_and_call(v1, lambda config: score(config, "file.json", None))
    assert found.value == found.scores["f1"] == pytest.approx(100 * (1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": "cold"}, "predictions=predictions.json: the file lacks 1 example of the split: b ..."),
        ({}, "predictions=predictions.json: the file lacks 2 examples of the split: a, b ..."),
        ({"a": "", "b": "", "z": ""}, "predictions.json: the split does not know 1 example of the file: z ..."),
        ("{", "prune: predictions=predictions.json: cannot be read"),
        ([{"a": "cold"}], "predictions.json holds no mapping of keys to values); expected an object, id -> value"),
    ],
    ids=["missing", "empty", "unknown", "no_json", "no_object"],
)
def test_what_is_wrong_with_the_predictions_is_named(call, v1, content, said):
    assert said in refused(call, v1, predictions=content)


@pytest.mark.parametrize(
    ("odds", "said"),
    [
        ({"a": 1, "b": 2}, "null_odds=null_odds.json: the file lacks 1 example of the split: c ..."),
        ({"a": 1, "b": "much", "c": 3}, "null_odds=null_odds.json: 'much' of b is no number"),
        ({"a": 1, "b": True, "c": 3}, "null_odds=null_odds.json: True of b is no number"),
    ],
    ids=["missing", "text", "truth"],
)
def test_what_is_wrong_with_the_odds_is_named(call, v2, odds, said):
    assert said in refused(call, v2, predictions=GIVEN, null_odds=odds)


def test_a_missing_file_is_named(call, v1):
    assert "predictions=nowhere.json: cannot be read" in refused(call, [*v1, "predictions=nowhere.json"])


def test_the_predictions_must_be_named(call, v1):
    assert "name the file to score with predictions=<file.json>" in refused(call, v1)
    assert "name the file to score with predictions=<file.json>" in refused(call, v1, null_odds={})


def test_an_unknown_label_is_refused(call, reviews):
    said = refused(call, reviews, predictions={"0": "good", "1": "great", "2": 1})
    assert said == "prune: predictions: great is no label; allowed are bad, good"


def test_a_metric_over_thresholds_needs_odds(call, v2):
    words = [*v2, "task.metrics=[best_f1]"]
    assert "name the odds with null_odds=<file>" in refused(call, words, predictions=GIVEN)


def test_a_mistake_in_the_config_is_named_first(call, v1):
    assert "task.metrics=exact: not known" in refused(call, [*v1, "task.metrics=[exact]"], predictions="{")


def test_nothing_is_left_behind(call, v1, tmp_path):
    scored(call, v1, predictions={"a": "cold", "b": "tea"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions.json", "v1"]
