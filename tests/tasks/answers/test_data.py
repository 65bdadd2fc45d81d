"""Questions, texts and answers from files: what is wrong with them is named, what is usable is used."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tasks.answers.questions import CONFIG, GOOD, NONE, TEXT, UNANSWERABLE, misplaced, row
from tests.tasks.files import refused

EXPECTED = "expected the lists `text` and `answer_start`, or the same as JSON"
BAD = {
    "no context": ([{"question": "soup", "answers": GOOD[0]["answers"]}], "there is no column 'context'"),
    "no answers": ([{"question": "soup", "context": TEXT}], "there is no column 'answers'"),
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
    assert "split 'train': 1 row with the id of an earlier row in the column 'id'" in said


@pytest.mark.parametrize("column", ["question", "context"])
def test_a_row_without_text_is_left_out_and_told(folder, column):
    rows = [row("cold", id=str(i)) for i in range(200)]
    rows[7][column] = None
    menu = folder(train=rows, id="id")
    assert menu.ids(menu.load(["train"])["train"]) == [str(i) for i in range(200) if i != 7]
    said = f"split 'train': 1 of 200 rows with nothing in the column '{column}' (the first is row 7)"
    assert menu.remarks == [f"{said} left out"]


HINT = ". If questions may be unanswerable, set task.answers.unanswerable=true and task.metrics=[f1,exact]"
MISPLACED = "an answer that does not stand at its offset"


@pytest.mark.parametrize("split", ["train", "validation"])
def test_too_many_questions_without_answer_are_refused_with_a_hint(folder, split):
    said = refused(folder(**{split: [row("cold")] * 97 + [NONE] * 3 + [row("cold")] * 100}))
    counted = f"split '{split}': 3 of 200 rows with no answer (the first is row 97)"
    assert said == f"task menu: {counted}; at most 1% may be left out{HINT}"


def test_too_many_misplaced_answers_are_refused(folder):
    said = refused(folder(train=[row("cold")] * 98 + [misplaced(1), misplaced(999)]))
    counted = f"split 'train': 2 of 100 rows with {MISPLACED} (the first is row 98)"
    assert said == f"task menu: {counted}; at most 1% may be left out"


def test_a_few_unusable_rows_are_counted_and_left_out(folder):
    rows = [row("cold", id=str(i)) for i in range(200)]
    rows[7], rows[8], rows[50] = {**NONE, "id": "7"}, {**NONE, "id": "8"}, {**misplaced(), "id": "50"}
    menu = folder(train=rows, id="id")
    left = menu.load(["train"])["train"]
    assert menu.remarks == [
        "split 'train': 2 of 200 rows with no answer (the first is row 7) left out",
        f"split 'train': 1 of 200 rows with {MISPLACED} (the first is row 50) left out",
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
