"""The examples of a run: which ones the seeds draw, and how many have so many tokens."""

import pytest

from prune.pipeline.experiment import prepare
from prune.pipeline.task import task_of
from prune.results.layout import run_folder
from prune.runtime.screen import Screen
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


@pytest.mark.parametrize("tokens", [1, 100, 250])
def test_so_many_examples_have_the_tokens_and_one_fewer_has_not(tokens, tmp_path):
    config = composed(*DEMO, "method=one_shot", "target.density=0.5", f"outputs={tmp_path}")
    examples = prepare(config, run_folder(config), Screen()).examples
    number = examples.number_with(tokens)

    def tokens_of(some):
        return sum(int(batch["attention_mask"].sum()) for batch in examples.sample(some, "cpu")) if some else 0

    assert tokens_of(number) >= tokens > tokens_of(number - 1)
    assert examples.number_with(10**9) == 32
