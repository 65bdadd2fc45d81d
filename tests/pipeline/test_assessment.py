"""What an evaluation remarks upon, in words that fit the numbers."""

from prune.pipeline.assessment import _warnings
from tests.report.records import record as make


def test_a_model_that_became_slower_is_called_slower():
    speed = [{"batch_size": 1, "length": 16, "speedup": 0.78, "speedup_theoretical": 3.88}]
    (found,) = _warnings(make(config={}, speed=speed))
    assert "the model is 1.28 times slower, far behind the 3.88 times of its multiply-adds" in found


def test_one_input_that_was_cut_is_one():
    found = _warnings(make(config={}, num_truncated={"train": 1, "validation": 0}))
    assert found == ["1 input longer than task.max_length: cut"]
