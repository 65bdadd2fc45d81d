import pytest

from prune.config.durations import in_steps


@pytest.mark.parametrize(
    ("duration", "steps"),
    [(0, 0), (0.0, 0), (0.1, 20), (0.25, 50), (0.999, 200), (1, 200), (1.0, 200), ("50 steps", 50), ("1 step", 1)],
)
def test_a_duration_is_a_fraction_or_steps(duration, steps):
    assert in_steps(duration, 200) == steps


def test_published_warmup():
    assert in_steps("5400 steps", 110_660) == 5400


def test_steps_are_at_most_the_training():
    assert in_steps("5400 steps", 100) == 100


@pytest.mark.parametrize(
    "duration",
    [-0.1, 1.1, 5400, "5400", "0.1", "-5 steps", "1.5 steps", "many steps", "", None, True, float("nan"), [0.1]],
)
def test_anything_else_is_refused_with_the_value_and_what_is_allowed(duration):
    with pytest.raises(ValueError, match="is no duration: a fraction of training from 0 to 1") as error:
        in_steps(duration, 200)
    assert repr(duration) in str(error.value)
