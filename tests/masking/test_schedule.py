import pytest

from prune.masking.schedule import Cubic


@pytest.mark.parametrize(
    ("step", "value"),
    [(0, 0.0), (10, 0.0), (11, 1 - (69 / 70) ** 3), (45, 0.875), (79, 1 - (1 / 70) ** 3), (80, 1), (100, 1)],
)
def test_values_by_hand(step, value):
    assert Cubic(0.0, 1.0, total=100, warmup=10, cooldown=20)(step) == pytest.approx(value, abs=1e-12)


def test_middle_of_a_falling_density():
    assert Cubic(1.0, 0.2, total=100, warmup=10, cooldown=20)(45) == pytest.approx(0.2 + 0.8 / 8)


def test_without_warmup_and_cooldown_it_spans_the_training():
    schedule = Cubic(0.0, 2.0, total=4, warmup=0, cooldown=0)
    assert [schedule(step) for step in range(5)] == pytest.approx([0.0, 1.15625, 1.75, 1.96875, 2.0])


def test_values_never_fall_back():
    schedule = Cubic(0.0, 1.0, total=50, warmup=7, cooldown=9)
    values = [schedule(step) for step in range(51)]
    assert values == sorted(values)


@pytest.mark.parametrize(("warmup", "cooldown"), [(60, 40), (100, 0), (0, 100), (90, 90)])
def test_no_step_between_warmup_and_cooldown_is_refused(warmup, cooldown):
    with pytest.raises(ValueError, match="leave nothing"):
        Cubic(0.0, 1.0, total=100, warmup=warmup, cooldown=cooldown)
