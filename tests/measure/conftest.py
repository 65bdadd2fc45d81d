"""Who reads texts."""

import pytest

from prune.models import loading


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer("pkg://demo/model")
