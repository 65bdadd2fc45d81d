"""Questions about texts: what is wrong with the data is named; features, answers and scores by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.config.schema import AnswersConfig, TaskConfig
from prune.models import loading
from prune.tasks.answers.spans import Answer
from prune.tasks.base import Predictions
from prune.tasks.question_answering import FAR_BELOW, QuestionAnswering
from tests.tasks.files import refused, write

TEXT = "the soup was cold but the tea was very warm"
CONFIG = TaskConfig(
    name="menu",
    kind="question_answering",
    text=["question", "context"],
    label="answers",
    metrics=["f1", "exact_match"],
    max_length=16,
    answers=AnswersConfig(stride=4, question_length=4),
)
UNANSWERABLE = replace(CONFIG.answers, unanswerable=True)
SQUAD = Path(__file__).parents[2].parent / "shared" / "data" / "squad"


def row(*answers, question="soup", context=TEXT, **columns):
    given = {"text": list(answers), "answer_start": [context.find(answer) for answer in answers]}
    return {"question": question, "context": context, "answers": given, **columns}


GOOD = [row("cold"), row("very warm", "warm", question="tea")]
NONE = row(question="cake")


def misplaced(number=1):
    return {**row(), "answers": {"text": ["cold"], "answer_start": [number]}}


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer("pkg://demo/model")


@pytest.fixture
def folder(tmp_path):
    """Writes both splits; returns the task over them."""

    def make(train=GOOD, validation=GOOD, suffix=".jsonl", **values):
        for split, rows in (("train", train), ("validation", validation)):
            write(tmp_path / f"{split}{suffix}", rows)
        return QuestionAnswering(replace(CONFIG, path=str(tmp_path), **values), 0)

    return make


EXPECTED = "expected the lists `text` and `answer_start`, or the same as JSON"
BAD = {
    "no context": ([{"question": "soup", "answers": GOOD[0]["answers"]}], "there is no column 'context'"),
    "no answers": ([{"question": "soup", "context": TEXT}], "there is no column 'answers'"),
    "null question": ([*GOOD, {**GOOD[0], "question": None}], "the column 'question' is null in row 2"),
    "null context": ([*GOOD, {**GOOD[0], "context": None}], "the column 'context' is null in row 2"),
    "numbers for answers": ([{**GOOD[0], "answers": 3}], f"the column 'answers' holds int64; {EXPECTED}"),
    "lists for answers": ([{**GOOD[0], "answers": ["cold"]}], "the column 'answers' holds list"),
    "answers without offsets": ([{**GOOD[0], "answers": {"text": ["cold"]}}], EXPECTED),
    "no JSON": (
        [{**GOOD[0], "answers": "cold"}],
        "the column 'answers' is no JSON with `text` and `answer_start` in row 0",
    ),
    "JSON without offsets": ([{**GOOD[0], "answers": '{"text": ["cold"]}'}], '`answer_start` in row 0: \'{"text"'),
    "null JSON": (
        [{**GOOD[0], "answers": json.dumps(GOOD[0]["answers"])}, {**GOOD[0], "answers": None}],
        "in row 1: None",
    ),
}


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "_"))
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_wrong_with_the_data_is_named(folder, case, split):
    rows, said = BAD[case]
    message = refused(folder(**{split: rows}))
    assert f"task menu, split '{split}'" in message
    assert said in message


def test_repeated_ids_are_refused(folder):
    said = refused(folder(train=[row("cold", id="x"), row("cold", id="y"), row("cold", id="x")], id="id"))
    assert "split 'train': 1 rows repeat an earlier row's id in the column 'id'" in said


HINT = ". If questions may be unanswerable, set task.answers.unanswerable=true and task.metrics=[f1,exact]"
MISPLACED = "an answer that does not stand at its offset"


@pytest.mark.parametrize("split", ["train", "validation"])
def test_too_many_questions_without_answer_are_refused_with_a_hint(folder, split):
    said = refused(folder(**{split: [row("cold")] * 97 + [NONE] * 3 + [row("cold")] * 100}))
    counted = f"3 of 200 rows of the split '{split}' have no answer (the first is row 97)"
    assert said == f"task menu: {counted}; at most 1% may be left out{HINT}"


def test_too_many_misplaced_answers_are_refused(folder):
    said = refused(folder(train=[row("cold")] * 98 + [misplaced(1), misplaced(999)]))
    counted = f"2 of 100 rows of the split 'train' have {MISPLACED} (the first is row 98)"
    assert said == f"task menu: {counted}; at most 1% may be left out"


def test_a_few_unusable_rows_are_counted_and_left_out(folder):
    rows = [row("cold", id=str(i)) for i in range(200)]
    rows[7], rows[8], rows[50] = {**NONE, "id": "7"}, {**NONE, "id": "8"}, {**misplaced(), "id": "50"}
    menu = folder(train=rows, id="id")
    left = menu.load(["train"])["train"]
    assert menu.remarks == [
        "2 of 200 rows of the split 'train' have no answer (the first is row 7) and were left out",
        f"1 of 200 rows of the split 'train' have {MISPLACED} (the first is row 50) and were left out",
    ]
    assert menu.ids(left) == [str(i) for i in range(200) if i not in (7, 8, 50)]


def test_where_offsets_are_not_read_they_may_be_wrong(folder):
    menu = folder(validation=[misplaced()])
    assert len(menu.load()["validation"]) == 1
    assert menu.remarks == []


def test_questions_without_answer_are_usable_where_they_are_expected(folder):
    menu = folder(train=[*GOOD, NONE], answers=UNANSWERABLE)
    assert len(menu.load()["train"]) == 3
    assert menu.remarks == []


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_every_format_gives_the_same_rows(folder, suffix):
    assert list(folder(train=[*GOOD, NONE], suffix=suffix, answers=UNANSWERABLE).load()["train"]) == [*GOOD, NONE]


def test_parquet_may_hold_large_strings(folder, tmp_path):
    menu = folder()
    columns = {"question": ["soup"], "context": [TEXT], "answers": [json.dumps(GOOD[0]["answers"])]}
    large = {name: pa.array(cells, pa.large_string()) for name, cells in columns.items()}
    pq.write_table(pa.table(large), tmp_path / "train.parquet")
    assert list(menu.load(["train"])["train"]) == GOOD[:1]


def test_features_for_training_are_inputs_with_the_answers_tokens(folder, tokenizer):
    menu = folder()
    rows = menu.features(menu.load()["train"], tokenizer, training=True)
    assert {"start_positions", "end_positions", "length", "truncated"} <= set(rows.column_names)
    assert "text_starts" not in rows.column_names
    assert list(rows["example"]) == [0, 1]
    found = [tokenizer.decode(r["input_ids"][r["start_positions"] : r["end_positions"] + 1]) for r in rows]
    assert found == ["cold", "very warm"]


def test_features_for_evaluation_say_where_tokens_lie_and_no_answer(folder, tokenizer):
    menu = folder(max_length=12)
    rows = menu.features(menu.load()["validation"], tokenizer, training=False)
    assert set(rows.column_names) & {"start_positions", "end_positions", "answers"} == set()
    # eight tokens of text a window, four of them again in the next one
    assert list(rows["example"]) == [0, 0, 1, 1]
    assert [TEXT[r["text_starts"][3] : r["text_ends"][-2]] for r in rows][:2] == [TEXT[:33], TEXT[18:]]


def test_examples_are_numbered_through_all_batches(folder, tokenizer):
    menu = folder(train=[row("cold")] * 1500)
    assert list(menu.features(menu.load()["train"], tokenizer, training=True)["example"]) == list(range(1500))


def test_windows_of_a_cut_question_are_counted(folder, tokenizer):
    menu = folder(train=[*GOOD, row("cold", question="was the soup cold or warm")], max_length=12)
    rows = menu.features(menu.load()["train"], tokenizer, training=True)
    # four tokens of the question leave room for five of the ten of the text, four of them again in the next one
    assert list(rows["example"]) == [0, 0, 1, 1, *[2] * 6]
    assert menu.num_truncated(rows) == 6


def test_a_batch_is_padded_and_a_teachers_logits_too(folder, tokenizer):
    menu = folder(train=[row("cold"), row("cold", context="the soup was cold")])
    rows = menu.features(menu.load()["train"], tokenizer, training=True)
    rows = rows.select_columns(["input_ids", "attention_mask", "token_type_ids", "start_positions"])
    rows = rows.add_column("teacher_start_logits", [[float(i)] * len(ids) for i, ids in enumerate(rows["input_ids"])])
    batch = menu.collator(tokenizer)([rows[0], rows[1]])
    assert batch["input_ids"].shape == batch["teacher_start_logits"].shape == (2, 14)
    assert batch["attention_mask"].sum(1).tolist() == [14, 8]
    assert batch["start_positions"].tolist() == [6, 6]
    assert batch["teacher_start_logits"].tolist() == [[0.0] * 14, [1.0] * 8 + [FAR_BELOW] * 6]


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


MALFORMED = {
    "null": None,
    "offset without text": {"text": [], "answer_start": [3]},
    "text without offset": {"text": ["cold"], "answer_start": []},
    "null text": {"text": [None], "answer_start": [3]},
    "null lists": {"text": None, "answer_start": None},
}


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.replace(" ", "_"))
@pytest.mark.parametrize("unanswerable", [False, True])
def test_answers_that_are_no_pair_of_lists_are_named_with_their_row(folder, case, unanswerable):
    settings = UNANSWERABLE if unanswerable else CONFIG.answers
    said = refused(folder(train=[*GOOD, {**GOOD[0], "answers": MALFORMED[case]}], answers=settings))
    assert "in row 2; expected the lists `text` (texts) and `answer_start` (integers), of the same length" in said


def test_offsets_that_are_no_integers_are_named(folder):
    said = refused(folder(train=[{**GOOD[0], "answers": {"text": ["cold"], "answer_start": [3.5]}}]))
    assert "in row 0; expected the lists" in said


@pytest.mark.parametrize("answers", ['{"text": "cold", "answer_start": [0]}', "null", '{"text": ["a"]}'])
def test_json_that_is_no_pair_of_lists_is_named_with_its_row(folder, answers):
    rows = [{**row, "answers": json.dumps(row["answers"])} for row in GOOD] + [{**GOOD[0], "answers": answers}]
    assert "no JSON with `text` and `answer_start` in row 2" in refused(folder(train=rows, suffix=".csv"))


def test_a_question_without_text_has_finite_odds():
    assert Answer(null_score=2.0).null_odds == 1e9
