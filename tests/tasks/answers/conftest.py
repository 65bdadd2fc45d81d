"""Questions in files, and who reads them."""

from dataclasses import replace

import pytest

from prune.models import loading
from prune.tasks.question_answering import QuestionAnswering
from tests.tasks.answers.questions import CONFIG, GOOD
from tests.tasks.files import write


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
