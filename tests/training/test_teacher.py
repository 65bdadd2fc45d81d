"""A teacher may be any model for the task."""

from prune import preparation
from prune.outputs import find_records
from tests.runs.tiny import call


def test_a_teacher_may_be_a_pruned_model(tmp_path, monkeypatch):
    code, _, err = call(f"outputs={tmp_path}/first", "target.density=0.6", method="one_shot")
    assert code == 0, err
    (record,) = find_records(tmp_path / "first")
    asked = []
    load = preparation.reload.load
    monkeypatch.setattr(preparation.reload, "load", lambda folder: asked.append(folder) or load(folder))
    code, _, err = call(f"outputs={tmp_path}/second", f"teacher={record.parent / 'model'}", method="one_shot")
    assert code == 0, err
    assert record.parent / "model" in asked
