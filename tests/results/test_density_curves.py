"""What is a curve over densities, what its points are, and what it is called."""

import random
from dataclasses import replace

import pytest

from prune.results.density_curves import density_curves
from tests.report.density_records import at_initialization, ran, swept
from tests.report.folders import configured, measured


def names(records):
    """Of the curves of the only task, model and metric."""
    (found,) = density_curves(records)
    return [curve.name for curve in found.curves]


def densities(records):
    """Of each curve."""
    return [[round(p.density.mean, 3) for p in curve.points] for one in density_curves(records) for curve in one.curves]


def test_a_point_has_mean_and_deviation_over_seeds_from_dense_to_sparse():
    records = [*swept((0.5, 0.9)), ran(0.5, seed=1, value=0.8712, dense_value=0.88)]
    (found,) = density_curves(records)
    (curve,) = found.curves
    assert [(p.setting, p.density.mean, len(p.records)) for p in curve.points] == [
        ("density 0.9", 0.9, 1),
        ("density 0.5", 0.5, 2),
    ]
    assert curve.points[0].value.deviation is None
    assert curve.points[1].value.mean == pytest.approx(0.8612)
    assert curve.points[1].value.deviation == pytest.approx(0.02 / 2**0.5)
    assert curve.points[1].difference.mean == pytest.approx((0.8512 - 0.87 + 0.8712 - 0.88) / 2)
    assert found.dense_value.mean == pytest.approx(0.875)
    assert found.dense_value.deviation == pytest.approx(0.01 / 2**0.5)


def test_the_order_of_the_files_does_not_matter():
    records = [*swept(seeds=(0, 1)), *swept(control="random"), *at_initialization("snip")]
    expected = [(one.curves, one.dense_value) for one in density_curves(records)]
    random.Random(0).shuffle(records)
    assert [(one.curves, one.dense_value) for one in density_curves(records)] == expected


def test_one_density_is_no_sweep():
    assert density_curves([]) == []
    assert density_curves(swept((0.5,), seeds=(0, 1, 2))) == []
    assert density_curves(swept((0.5, 0.50001), own={"rounds": 3})) == []
    penalties = [measured(2, setting=f"penalty {number}", config=configured(number)) for number in (20, 40)]
    assert density_curves(penalties) == []


def test_any_method_is_swept_by_what_decides_its_density():
    by_penalty = [
        measured(2, setting=f"penalty {number}", config=configured(number), linear_density=1 / number)
        for number in (20, 40)
    ]
    by_density = [ran(density, method="unstructured", own={"density": density}) for density in (0.5, 0.3, 0.2)]
    assert densities(by_penalty) == [[0.05, 0.025]]
    assert densities(by_density) == [[0.5, 0.3, 0.2]]
    assert densities(at_initialization("snip", (0.5, 0.2, 0.1))) == [[0.5, 0.2, 0.1]]
    assert densities(swept((0.9, 0.8, 0.7))) == [[0.9, 0.8, 0.7]]


def test_runs_without_a_method_in_their_config_are_no_sweep_of_others():
    assert names([*swept(), measured(2, config={"seed": 0}, linear_density=0.3)]) == ["lottery_ticket"]


def test_controls_are_told_by_name_after_what_they_are_the_control_of():
    records = swept() + swept(control="random") + swept((0.5,), control="inverted")
    (found,) = density_curves(records)
    assert [(curve.base, curve.control, len(curve.points)) for curve in found.curves] == [
        ("lottery_ticket", "", 3),
        ("lottery_ticket", "inverted", 1),
        ("lottery_ticket", "random", 3),
    ]
    assert [curve.name for curve in found.curves][2] == "lottery_ticket, random"


def test_criteria_are_told_where_there_are_several():
    one = at_initialization("snip") + at_initialization("snip", control="shuffled")
    assert names(one) == ["at_initialization", "at_initialization, shuffled"]
    assert names(one + at_initialization("synflow") + swept()) == [
        "at_initialization, snip",
        "at_initialization, snip, shuffled",
        "at_initialization, synflow",
        "lottery_ticket",
    ]


def test_what_else_differs_is_another_sweep_and_told():
    early = [ran(density, own={"rounds": [number], "rewind": 0.05}) for number, density in ((1, 0.9), (5, 0.5))]
    assert names(swept() + early) == ["lottery_ticket", "lottery_ticket, rewind=0.05"]


def test_penalties_beside_a_target_are_sweeps_of_their_own():
    def at(penalty):
        return [ran(density, "hybrid", target={"density": density}, own={"penalty": penalty}) for density in (0.5, 0.3)]

    assert names(at(20.0) + at(40.0)) == ["hybrid, penalty=20.0", "hybrid, penalty=40.0"]


def test_exports_are_sweeps_of_their_own():
    exported = [replace(one, setting=f"{one.setting}, int8 for ONNX", value=0.7) for one in swept()]
    assert names(swept() + exported) == ["lottery_ticket", "lottery_ticket, int8 for ONNX"]


def test_masks_of_one_sweep_are_a_sweep_whatever_seed_and_round_found_them():
    def under(source, hashes=("aa", "bb"), end=""):
        return [
            ran(density, "fixed_mask", "", seed=seed, own={"mask": f"{source}/{name}/seed_{seed}{end}"})
            for name, density in zip(hashes, (0.8, 0.5), strict=True)
            for seed in (0, 1)
        ]

    own, other = under("outputs/mnli/small/lottery_ticket", end="/model"), under("outputs/sst2/small/lottery_ticket")
    (found,) = density_curves(own)
    (curve,) = found.curves
    assert [(p.density.mean, len(p.records)) for p in curve.points] == [(0.8, 2), (0.5, 2)]
    assert names(own + other) == [
        "fixed_mask, mask=outputs/mnli/small/lottery_ticket",
        "fixed_mask, mask=outputs/sst2/small/lottery_ticket",
    ]


@pytest.mark.parametrize(
    "other", [{"task": "mnli"}, {"model": "larger"}, {"metric": "f1"}, {"task_version": 2}, {"higher_is_better": False}]
)
def test_tasks_models_and_metrics_are_not_mixed(other):
    found = density_curves(swept() + swept(**other))
    assert [len(one.curves) for one in found] == [1, 1]
    assert all(one.distinguishing_settings == "" for one in found)


def test_dense_models_of_one_name_are_told_apart():
    longer = swept()
    for one in longer:
        one.config["schedule"] = {"dense_epochs": 9.0}
    found = density_curves(swept() + longer)
    assert sorted(one.distinguishing_settings for one in found) == ["", "schedule.dense_epochs=9.0"]
