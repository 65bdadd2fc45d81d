"""`prune plan` says which shapes reach a target, and trains nothing."""

import re

import pytest

from prune.cli import main
from prune.pipeline.experiment import prepare
from prune.pipeline.plan import stage_seconds
from prune.results.layout import StageFolder, run_folder
from prune.runtime.screen import Screen
from tests.composing import composed
from tests.runs.tiny import WORDS


def planned(*words, capsys):
    main.main(["plan", *WORDS, *words])
    return " ".join(capsys.readouterr().out.split())


def test_shapes_and_times_of_each_target(tmp_path, capsys):
    out = planned("method=one_shot", "target.density=[0.51,0.26]", f"outputs={tmp_path}", capsys=capsys)
    for density, heads, width in ((0.51, 2, 256), (0.26, 1, 128)):
        row = re.search(rf"│ density {density} │ │ ([\d ]+) │ ([\d ]+) │", out)
        assert row[1] == " ".join([str(heads)] * 3)
        assert [int(number) for number in row[2].split()] == pytest.approx([width] * 3, abs=16)
    assert all(stage in out for stage in ("dense", "prune", "compact", "fill"))
    assert list(tmp_path.iterdir()) == []


def test_each_candidate_has_a_plan(tmp_path, capsys):
    words = ("target.density=0.3", "method.candidates=[{},{layers:0.67}]", f"outputs={tmp_path}")
    out = planned("method=one_shot", *words, capsys=capsys)
    units = [
        re.search(rf"│ {setting} │ │ ([\d ]+) │", out)[1].split()
        for setting in ("density 0.3", "density 0.3, layers 0.67")
    ]
    assert [len(heads) for heads in units] == [3, 2]


@pytest.mark.parametrize(
    ("words", "said"),
    [(("method=one_shot",), "needs one target (none given)"), ((), "prune plan: name a target, as in")],
)
def test_a_plan_needs_a_target(tmp_path, capsys, words, said):
    with pytest.raises(SystemExit) as end:
        planned(f"outputs={tmp_path}", *words, capsys=capsys)
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_a_plan_for_training_with_masks_counts_its_steps(tmp_path, capsys):
    out = planned("target.density=0.5", "method=hybrid", "schedule.epochs=3", f"outputs={tmp_path}", capsys=capsys)
    assert "compact 0 s" in out
    assert "fill" not in out


@pytest.fixture
def steps(tmp_path):
    """What the stages of a run would take, in steps of dense training, were half of the model left."""

    def count(*words):
        config = composed(*WORDS, "target.density=0.5", f"outputs={tmp_path}", *words)
        return stage_seconds(prepare(config, run_folder(config), Screen()), 1.0, 0.5)

    return count


@pytest.mark.parametrize(("method", "stage"), [("one_shot", "removal_1"), ("hybrid_filled", "prune")])
def test_a_teacher_that_is_kept_answers_once_before_the_first_training(method, stage, steps):
    """256 examples in batches of 8, a third of a step for each."""
    with_one, without = steps(f"method={method}"), steps(f"method={method}", "teacher=none")
    assert {name: with_one[name] - without[name] for name in with_one} == pytest.approx(
        dict.fromkeys(without, 0) | {stage: 32 / 3}
    )


def test_a_stage_that_is_done_takes_no_time_unless_it_is_forced(steps, monkeypatch, tmp_path):
    done = tmp_path / "done.json"
    done.touch()
    monkeypatch.setattr(StageFolder, "report", done)
    assert set(steps("method=hybrid_filled").values()) == {0.0}
    again = steps("method=hybrid_filled", "force=true")
    assert again["dense"] == 0.0
    assert min(again["prune"], again["fill"]) > 0.0


def test_a_teacher_that_is_asked_answers_at_every_step(steps):
    with_one, without = (steps("method=hybrid_filled", *w) for w in (["distillation.alpha_layers=1"], ["teacher=none"]))
    assert with_one["prune"] - without["prune"] == pytest.approx(32 / 3)
    assert with_one["fill"] - without["fill"] == pytest.approx(16 / 3)


def test_removals_take_importance_refits_and_recoveries(steps):
    """4 batches for importance, all 32 for refits, half of the 16 steps of filling; halved in two steps."""
    words = ("method=one_shot", "teacher=none", "method.removal_steps=2", "method.recovery=0.5")
    middle, importance, refit = 0.5**0.5, 32 / 8, 256 / 8 / 3
    few = ("method.importance_examples=32", "method.refit_tokens=10_000_000")
    sublayers = 6
    expected = importance * middle + refit * (1 + middle * sublayers / 2) + refit * (middle + 0.5 * sublayers / 2)
    planned = steps(*words, *few)
    assert planned["removal_1"] + planned["compact"] == pytest.approx(expected + 8 * middle)
