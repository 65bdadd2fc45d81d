"""Texts of four lengths, and who reads them."""

import pytest
from datasets import Dataset

from prune.models import loading


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer("pkg://demo/model")


@pytest.fixture
def features():
    ids = [list(range(2, 2 + n)) for n in (5, 3, 9, 4)]
    masks = [[1] * len(one) for one in ids]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": masks, "length": [len(one) for one in ids]})
