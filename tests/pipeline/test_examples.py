"""The examples of a run: which ones the seeds draw."""

import pytest

from prune.pipeline.task import task_of
from tests.composing import composed

DEMO = ("task=demo", "model=demo", "task.train_examples=32", "task.eval_examples=16", "task.eval_from_train=8")


def drawn(*words):
    return {split: rows["text"][:] for split, rows in task_of(composed(*DEMO, *words)).load().items()}


def test_replicates_with_a_data_seed_see_the_same_examples():
    assert drawn("seed=1", "data_seed=7") == drawn("seed=2", "data_seed=7")
    assert drawn("seed=1", "data_seed=7") != drawn("seed=1", "data_seed=8")


@pytest.mark.parametrize("seed", [0, 3])
def test_without_one_the_seed_draws_them(seed):
    assert drawn(f"seed={seed}") == drawn("seed=5", f"data_seed={seed}")
    assert drawn("seed=0") != drawn("seed=3")
