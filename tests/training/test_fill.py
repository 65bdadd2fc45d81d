"""The fill: what it trains, and whom it learns from."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from prune import preparation
from prune.outputs import find_records
from prune.shrink import reload
from tests.architectures import ARCHITECTURES, inputs
from tests.runs.tiny import call

RECOVERS = ("method.removal_steps=2", "method.recovery=0.5")


@pytest.mark.parametrize("trained", [True, False])
def test_word_embeddings_stay_as_they_are_if_told_so(tmp_path, trained):
    code, _, err = call(f"outputs={tmp_path}", f"schedule.fill_embeddings={trained}", *RECOVERS, method="one_shot")
    assert code == 0, err
    (record,), (dense,) = find_records(tmp_path), (tmp_path / "dense").glob("*/model")
    model, unpruned = reload.load(record.parent / "model"), AutoModelForSequenceClassification.from_pretrained(dense)
    assert torch.equal(model.get_input_embeddings().weight, unpruned.get_input_embeddings().weight) != trained
    before = reload.load(record.parent / "compacted" / "model")
    assert not torch.equal(model.classifier.weight, before.classifier.weight)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_trains_without_them(name):
    model = ARCHITECTURES[name].model()
    model.get_input_embeddings().requires_grad_(False)
    model(**inputs(ARCHITECTURES[name])).logits.square().sum().backward()
    assert all(p.grad is None for p in model.get_input_embeddings().parameters())
    assert any(p.grad is not None for p in model.parameters())


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
