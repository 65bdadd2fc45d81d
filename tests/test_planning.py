"""`prune plan` says which shapes reach a target, and trains nothing."""

import re

import pytest

from prune import cli
from tests.runs.tiny import WORDS


def planned(*words, capsys):
    cli.main(["plan", *WORDS, *words])
    return " ".join(capsys.readouterr().out.split())


def test_shapes_and_times_of_each_target(tmp_path, capsys):
    out = planned("target.density=[0.51,0.26]", f"outputs={tmp_path}", capsys=capsys)
    for density, heads, width in ((0.51, 2, 256), (0.26, 1, 128)):
        row = re.search(rf"│ density {density} │ │ ([\d ]+) │ ([\d ]+) │", out)
        assert row[1] == " ".join([str(heads)] * 3)
        assert [int(number) for number in row[2].split()] == pytest.approx([width] * 3, abs=16)
    assert all(stage in out for stage in ("dense", "prune", "compact", "fill"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"), [((), "needs one target (none given)"), (("method=struct",), "prune plan: name a target, as in")]
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
