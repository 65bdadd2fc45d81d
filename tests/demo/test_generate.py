"""What ships for the demo is what its generator makes, and its labels follow the rule that it states."""

import json

import pytest

from benchmarks import demo_task
from prune.demo import generate

SPLITS = list(generate.SIZES)


def rows(split):
    lines = (generate.FOLDER / "data" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def praise(clause):
    """How much a clause such as "the tea was not cold" praises."""
    _, thing, _, adverb, adjective = clause.split()
    factor = (generate.ADVERBS | generate.DENIALS)[adverb]
    return generate.THINGS[thing] * factor * generate.ADJECTIVES[adjective]


def test_the_shipped_data_are_what_the_generator_writes(tmp_path):
    generate.write_data(tmp_path)
    for split in SPLITS:
        file = f"{split}.jsonl"
        assert (tmp_path / file).read_bytes() == (generate.FOLDER / "data" / file).read_bytes()


def test_the_shipped_model_is_what_the_generator_writes(tmp_path):
    generate.write_model(tmp_path)
    for file in (generate.FOLDER / "model").iterdir():
        shipped, made = (json.loads(path.read_text(encoding="utf-8")) for path in (file, tmp_path / file.name))
        for content in (shipped, made):
            content.pop("transformers_version", None)
        assert made == shipped, file.name


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("the soup was very lovely", 36),
        ("the waiter was rather rude", -8),
        ("the bed was never unfair", 12),
        ("the view was hardly calm", -1),
    ],
)
def test_a_clause_praises_by_its_thing_its_adverb_and_its_adjective(clause, expected):
    assert praise(clause) == expected


@pytest.mark.parametrize("split", SPLITS)
def test_labels_say_whether_a_text_praises_more_than_it_blames(split):
    for row in rows(split):
        (link,) = set(row["text"].split()) & set(generate.LINKS)
        first, second = (praise(clause) for clause in row["text"].split(f" {link} "))
        assert first + second != 0
        assert row["label"] == int(first + second > 0), row["text"]


def test_no_text_occurs_twice():
    texts = [row["text"] for split in SPLITS for row in rows(split)]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("split", SPLITS)
def test_both_labels_are_as_frequent(split):
    labels = [row["label"] for row in rows(split)]
    assert abs(sum(labels) / len(labels) - 0.5) < 0.03


def test_simpler_rules_than_the_tasks_own_get_most_texts_right_but_not_all():
    """Accuracy falls by degrees only where a network that has lost one rule still has another."""
    shares = [demo_task.accuracy_of(rule, rows("validation")) for rule in demo_task.RULES]
    assert shares == sorted(shares)
    assert shares[0] > 0.75
    assert shares[-2] < 0.92
    assert shares[-1] == 1.0


def test_kinds_of_texts():
    denied, close, clear = (
        "the soup was hardly calm but the bed was very kind",
        "the lamp was rather fine and the bed was rather slow",  # 2 - 1
        "the soup was very lovely yet the cake was very kind",  # 36 + 27
    )
    assert [demo_task.kind_of(text) for text in (denied, close, clear)] == ["denial", "sum below 4", "larger sums"]
