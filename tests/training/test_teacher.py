"""A teacher may be any model for the task."""

import pytest
import torch

from prune.compaction import saved_model
from prune.training.distillation import Teacher
from tests.runs.tiny import call


def test_a_teacher_may_be_a_pruned_model(finished_runs, tmp_path, monkeypatch):
    pruned = finished_runs.copy("one_shot", tmp_path / "first") / "model"
    finished_runs.copy_dense(tmp_path / "second")
    asked = []
    load = saved_model.load
    monkeypatch.setattr(saved_model, "load", lambda folder: asked.append(folder) or load(folder))
    code, _, err = call(f"outputs={tmp_path}/second", f"teacher={pruned}", method="one_shot")
    assert code == 0, err
    assert pruned in asked


FEW = "task.train_examples=64"
"""Processors without instructions for bfloat16 take long."""


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_that_is_asked_at_every_step_answers_in_the_precision_of_training(tmp_path, monkeypatch, precision):
    seen, ask = set(), Teacher.__call__
    monkeypatch.setattr(
        Teacher, "__call__", lambda self, inputs: seen.add(torch.is_autocast_enabled("cpu")) or ask(self, inputs)
    )
    words = ("method.finish=fill", "distillation.alpha_layers=1", f"schedule.precision={precision}", FEW)
    code, _, err = call(f"outputs={tmp_path}", *words, method="one_shot")
    assert code == 0, err
    assert seen == {precision == "bfloat16"}
