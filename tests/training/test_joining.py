"""Joined texts: pairs of training texts in one, judged by the teacher."""

import math

import numpy as np
import pytest
from datasets import Dataset

from prune import preparation
from prune.training.joining import joined_texts, labelled_by_teacher
from tests.runs.tiny import call

ROWS = Dataset.from_dict({"text": ["a b ", "c", "d e f"], "label": [0, 1, 0]})


def test_a_joined_text_is_one_text_after_another():
    joined = joined_texts(ROWS, "text", 50, seed=0)
    wanted = {f"{one.strip()} {other.strip()}" for one in ROWS["text"] for other in ROWS["text"]}
    assert set(joined["text"]) == wanted
    assert len(joined) == 50


def test_the_seed_decides_which():
    one, same, other = (joined_texts(ROWS, "text", 50, seed)["text"][:] for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_only_the_joined_texts_get_the_teachers_labels():
    features = Dataset.from_dict({"input_ids": [[1], [2], [3], [4]], "labels": [1, 0, 0, 0]})
    logits = [np.float32(one) for one in ([9, 0], [0, 9], [0, 9], [9, 0])]
    assert labelled_by_teacher(features, logits, 2)["labels"][:] == [1, 0, 1, 0]


@pytest.mark.parametrize("method", ["one_shot", "hybrid"])
def test_a_run_learns_from_them_in_as_many_steps(tmp_path, monkeypatch, method):
    seen, train = [], preparation.train

    def watched(model, lesson, collator, training, *rest):
        seen.append((training.name, lesson.features, training.steps))
        return train(model, lesson, collator, training, *rest)

    monkeypatch.setattr(preparation, "train", watched)
    words = ("distillation.joined_texts=0.5", "method.finish=fill")
    code, _, err = call(f"outputs={tmp_path}", *words, method=method)
    assert code == 0, err
    (_, dense, dense_steps), *taught = seen
    assert len(dense) == 256
    assert taught
    for name, features, steps in taught:
        assert len(features) == 256 + 128
        assert max(features["length"][256:]) > max(dense["length"])
        assert features["labels"][:256] == dense["labels"][:]
        assert steps == (math.ceil(dense_steps / 2) if name == "fill" else dense_steps)
        assert all(
            label == int(said[1] > said[0])
            for label, said in zip(features["labels"][256:], features["teacher_logits"][256:], strict=True)
        )
