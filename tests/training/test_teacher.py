"""A teacher may be any model for the task."""

import pytest
import torch

from prune.pipeline import context
from prune.results.layout import find_records
from prune.training.distillation import Teacher
from tests.runs.tiny import call


def test_a_teacher_may_be_a_pruned_model(tmp_path, monkeypatch):
    code, _, err = call(f"outputs={tmp_path}/first", "target.density=0.6", method="one_shot")
    assert code == 0, err
    (record,) = find_records(tmp_path / "first")
    asked = []
    load = context.saved_model.load
    monkeypatch.setattr(context.saved_model, "load", lambda folder: asked.append(folder) or load(folder))
    code, _, err = call(f"outputs={tmp_path}/second", f"teacher={record.parent / 'model'}", method="one_shot")
    assert code == 0, err
    assert record.parent / "model" in asked


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_that_is_asked_at_every_step_answers_in_the_precision_of_training(tmp_path, monkeypatch, precision):
    seen, ask = set(), Teacher.__call__
    monkeypatch.setattr(
        Teacher, "__call__", lambda self, inputs: seen.add(torch.is_autocast_enabled("cpu")) or ask(self, inputs)
    )
    words = ("method.finish=fill", "distillation.alpha_layers=1", f"schedule.precision={precision}")
    code, _, err = call(f"outputs={tmp_path}", *words, method="one_shot")
    assert code == 0, err
    assert seen == {precision == "bfloat16"}
