"""What is remarked upon, in words that fit the numbers."""

from prune.results.remarks import remarks_on
from tests.report.records import record as make


def test_a_model_that_became_slower_is_called_slower():
    speed = [{"batch_size": 1, "length": 16, "speedup": 0.78, "speedup_theoretical": 3.88}]
    (found,) = remarks_on(make(config={}, speed=speed))
    assert "the model is 1.28 times slower, far behind the 3.88 times of its multiply-adds" in found


def test_one_input_that_was_cut_is_one():
    found = remarks_on(make(config={}, num_truncated={"train": 1, "validation": 0}))
    assert found == ["1 input longer than task.max_length: cut"]


def test_a_speed_that_was_measured_beside_other_work_is_told():
    speed = {"batch_size": 1, "length": 16, "speedup": 2.0, "speedup_theoretical": 2.5}
    assert remarks_on(make(config={}, speed=[speed | {"waited": 0.05}])) == []
    (found,) = remarks_on(make(config={}, speed=[speed | {"waited": 0.23}]))
    assert "the process waited for one 23% of the time. `prune measure" in found


def test_a_target_is_missed_by_what_it_is_over():
    """Three times over eager mode are reached by 1.5 times over the same runtime."""
    speed = {"batch_size": 1, "length": 16, "speedup": 1.5, "speedup_theoretical": 2.0, "speedup_over_eager": 3.1}
    for reference, missed in (("torch", False), ("same", True)):
        config = {"target": {"speedup": 3.0}, "evaluate": {"speed": {"reference": reference}}}
        assert any("is missed: 1.50" in one for one in remarks_on(make(config=config, speed=[speed]))) == missed
