"""Dropout set from outside: none is none in every architecture, and some is some."""

import pytest
import torch

from prune.training import trainer
from prune.training.dropout import set_dropout
from tests.architectures import ARCHITECTURES, inputs
from tests.runs.tiny import call


def logits(model, architecture):
    torch.manual_seed(0)
    with torch.no_grad():
        return model(**inputs(architecture)).logits


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_without_dropout_a_model_in_training_says_what_it_says_otherwise(name):
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    asked = logits(model, architecture)
    set_dropout(model.train(), 0.0)
    assert torch.equal(logits(model, architecture), asked)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_with_dropout_it_does_not(name):
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    asked = logits(model, architecture)
    set_dropout(model.train(), 0.5)
    assert not torch.allclose(logits(model, architecture), asked, rtol=0.1)


def test_it_is_set_for_pruning_and_filling_but_not_for_the_dense_model(finished_runs, tmp_path, monkeypatch):
    finished_runs.copy_dense(tmp_path)
    sizes = []
    monkeypatch.setattr(trainer, "set_dropout", lambda model, p: sizes.append((p, model.num_parameters())))
    code, _, err = call(f"outputs={tmp_path}", "schedule.dropout=0.25", "method.finish=fill", method="hybrid")
    assert code == 0, err
    (of_pruning, whole), (of_filling, left) = sizes
    assert of_pruning == of_filling == 0.25
    assert left < whole
