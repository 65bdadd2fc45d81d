"""How far a run came from its reference, and how near is near enough."""

from dataclasses import asdict, replace

import pytest

from prune.config.reference import EnvironmentConfig, ReferenceConfig, ToleranceConfig, problems_of
from prune.config.schema import Config, MethodConfig, ScheduleConfig, TaskConfig
from prune.measure.environment import environment
from prune.recipes.verification import agree, as_rich, compare, differing, environment_differs, in_words
from tests.records import ENVIRONMENT, record

CONFIG = Config(task=TaskConfig(name="demo"))
READ = ReferenceConfig(
    source="a table", scores={"validation": {"accuracy": 0.805}}, linear_density=0.315, speedup=2.1, hardware="a GPU"
)
"""What someone read somewhere."""
OWN = ReferenceConfig(
    source="a run",
    scores={"validation": {"accuracy": 0.8, "f1": 0.7}},
    dense_scores={"validation": {"accuracy": 0.85}},
    linear_density=0.3,
    speedup=2.1,
    hardware="Abacus, 1 threads, float32",
    measured="batch 8 x 16 tokens",
    environment=EnvironmentConfig(**ENVIRONMENT),
)
"""What such a run as `record` would have written."""


def judged(reference, changed=(), **values):
    """Figure -> whether it agrees (None: not judged)."""
    return {one.name: one.agrees for one in compare(reference, record(CONFIG, **values), changed)}


def test_what_was_read_is_met_within_a_point_and_two_of_density():
    assert judged(READ) == {"accuracy, validation": True, "density": True, "speed-up": None}
    assert judged(READ, scores={"validation": {"accuracy": 0.7949}})["accuracy, validation"] is False
    assert judged(READ, scores={"validation": {"accuracy": 0.8149}})["accuracy, validation"] is True
    assert judged(READ, linear_density=0.336)["density"] is False


def test_a_run_in_the_same_environment_gives_the_very_same():
    assert set(judged(OWN).values()) == {True}
    assert judged(OWN, scores={"validation": {"accuracy": 0.8 + 1e-8, "f1": 0.7}})["accuracy, validation"] is False
    assert judged(OWN, dense_scores={"validation": {"accuracy": 0.8501}})["dense accuracy, validation"] is False
    assert judged(OWN, linear_density=0.3001)["density"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("python", "3.12.1"),
        ("packages", {"torch": "2.14.0"}),
        ("system", "Darwin arm64"),
        ("processor", "Slide rule"),
        ("cores", 4),
        ("threads", 2),
        ("gpu", "a GPU"),
        ("data", {"train": "xyz"}),
    ],
)
def test_in_another_environment_equality_is_not_asked_for(name, value):
    other = ENVIRONMENT | {name: value}
    near = {"scores": {"validation": {"accuracy": 0.805, "f1": 0.695}}, "linear_density": 0.31}
    assert environment_differs(OWN, record(CONFIG, environment=other)) == [name]
    assert False not in judged(OWN, environment=other, **near).values()
    assert judged(OWN, **near)["density"] is False


def test_a_gpu_gives_no_equality():
    on_gpu = ENVIRONMENT | {"gpu": "a GPU"}
    reference = replace(OWN, environment=EnvironmentConfig(**on_gpu))
    assert environment_differs(reference, record(CONFIG, environment=on_gpu)) == ["gpu"]


def test_a_speed_is_judged_on_the_same_hardware_only():
    def speed(of=2.0, length=16):
        return {"speed": [{"speedup": of, "speedup_theoretical": 2.0, "batch_size": 8, "length": length}]}

    assert judged(OWN, **speed(1.9))["speed-up"] is True
    assert judged(OWN, **speed(1.88))["speed-up"] is False
    assert judged(OWN, **speed(9.0, length=24))["speed-up"] is None
    assert judged(OWN, measured_on="another", **speed(9.0))["speed-up"] is None


def test_a_tolerance_of_its_own_comes_first():
    tolerance = ToleranceConfig(scores=0.05, density=0.0, speedup=0.5)
    reference = replace(OWN, tolerance=tolerance, linear_density=0.3001)
    found = judged(reference, scores={"validation": {"accuracy": 0.76, "f1": 0.64}})
    assert found["accuracy, validation"] is True
    assert found["f1, validation"] is False
    assert found["density"] is False


def test_another_seed_is_judged_but_not_for_equality():
    found = judged(OWN, ["seed=1"], scores={"validation": {"accuracy": 0.805, "f1": 0.7}})
    assert found["accuracy, validation"] is True
    assert (
        judged(OWN, ["seed=1"], scores={"validation": {"accuracy": 0.82, "f1": 0.7}})["accuracy, validation"] is False
    )


@pytest.mark.parametrize("changed", [["method.penalty=3"], ["seed=1", "method.penalty=3"]])
def test_nothing_is_judged_where_settings_differ(changed):
    comparisons = compare(OWN, record(CONFIG), changed)
    assert {one.agrees for one in comparisons} == {None}
    assert {one.remark for one in comparisons} == {"other settings"}
    assert not agree(comparisons)


def test_a_score_that_was_not_measured_is_no_agreement():
    reference = replace(READ, scores={"test": {"accuracy": 0.8}}, linear_density=None)
    (one, _) = compare(reference, record(CONFIG))
    assert (one.agrees, one.remark) == (None, "not measured")
    assert not agree([one])


def test_it_agrees_where_all_that_is_judged_does():
    assert agree(compare(READ, record(CONFIG)))
    assert not agree(compare(READ, record(CONFIG, linear_density=0.5)))
    assert not agree([one for one in compare(OWN, record(CONFIG)) if one.is_speed])


def test_what_two_configs_differ_in():
    schedule = ScheduleConfig(checkpoint_every="5 steps", epochs=4.0)
    other = replace(CONFIG, seed=1, outputs="x", method=MethodConfig(penalty=3.0), schedule=schedule, reference=OWN)
    assert differing(CONFIG, other) == ["method.penalty=3.0", "schedule.epochs=4.0", "seed=1"]
    assert differing(CONFIG, replace(CONFIG, task=TaskConfig(name="demo", path="x", eval_examples=5))) == [
        "task.eval_examples=5"
    ]
    assert differing(other, other) == []


def test_a_line_and_a_table_tell_it():
    comparisons = compare(READ, record(CONFIG))
    assert in_words(comparisons) == (
        "accuracy, validation 80.50, here 80.00; density 31.50, here 30.00; speed-up 2.10x, here 2.00x"
    )
    table = as_rich(comparisons, "[bold]")
    assert list(table.columns[3].cells) == ["-0.50", "-1.50", "-0.10x"]
    assert list(table.columns[4].cells) == ["1.00", "2.00", ""]
    assert list(table.columns[5].cells) == ["agrees", "agrees", "not judged: other hardware"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"source": ""}, "reference.source is empty"),
        ({"scores": {"test": {"f1": 87.7}}}, "reference.scores.test.f1=87.7: must be a fraction"),
        ({"dense_scores": {"test": {"f1": float("nan")}}}, "reference.dense_scores.test.f1=nan: must be a fraction"),
        ({"linear_density": 0.0}, "reference.linear_density=0.0: must be above 0, at most 1"),
        ({"linear_density": 1.01}, "reference.linear_density=1.01: must be above 0, at most 1"),
        ({"speedup": 0.0}, "reference.speedup=0.0: must be above 0"),
        ({"speedup": float("inf")}, "reference.speedup=inf: must be above 0"),
        ({"hardware": ""}, "reference.speedup=2.1: say in reference.hardware what it was measured on"),
        ({"tolerance": ToleranceConfig(scores=-0.1)}, "reference.tolerance.scores=-0.1: must be at least 0"),
        ({"tolerance": ToleranceConfig(speedup=float("nan"))}, "reference.tolerance.speedup=nan: must be at least 0"),
    ],
)
def test_what_no_reference_can_say(values, said):
    assert list(problems_of(OWN)) == list(problems_of(READ)) == list(problems_of(ReferenceConfig())) == []
    (problem,) = problems_of(replace(OWN, **values))
    assert problem.startswith(said)


def test_a_reference_knows_all_that_a_run_tells_of_its_environment():
    assert {*environment(), "data"} == set(asdict(EnvironmentConfig()))
