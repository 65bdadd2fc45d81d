"""What a model reads of questions and texts: windows, batches, the tokens of answers."""

from prune.tasks.question_answering import FAR_BELOW
from tests.tasks.answers.questions import GOOD, TEXT, row


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
