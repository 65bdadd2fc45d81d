"""Word embeddings in training: rows that no text uses are left out, and nothing else changes."""

import shutil
from contextlib import nullcontext

import pytest
import torch
from datasets import Dataset

from prune.config.schema import DistillationConfig, Precision
from prune.training import trainer
from prune.training.distillation import TrainingData
from prune.training.trainer import Training, train
from prune.training.used_rows import used_rows
from tests.architectures import ARCHITECTURES, inputs
from tests.training.test_training import Heard, collate

USED = [3, 5, 8, 13, 21, 34]


def features_of(ids):
    return Dataset.from_dict(
        {"input_ids": ids, "labels": [i % 2 for i in range(len(ids))], "length": list(map(len, ids))}
    )


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    return features_of([[USED[i] for i in torch.randint(0, 6, (3 + n % 4,), generator=generator)] for n in range(16)])


def fit(model, features, folder, **settings):
    values = {"weight_decay": 0.0, "learning_rate": 1e-2} | settings
    setting = Training("dense", 8, 1, 4, 4, score_learning_rate=0.1, precision=Precision.float32, seed=0, **values)
    torch.manual_seed(0)
    train(model, TrainingData(features), collate, setting, DistillationConfig(), folder, Heard())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_computes_the_same_with_the_rows_in_use(name):
    architecture = ARCHITECTURES[name]
    model, batch = architecture.model(), inputs(architecture)
    embeddings = model.get_input_embeddings()
    whole, reading = embeddings.weight.clone(), not architecture.writes
    rows = {*batch["input_ids"].unique().tolist(), model.config.pad_token_id} - {None}
    with torch.no_grad():
        before = model(**batch).logits
        with used_rows(model, TrainingData(features_of(batch["input_ids"].tolist())).ids):
            assert len(embeddings.weight) == (len(rows) if reading else len(whole))
            assert torch.equal(model(**batch).logits, before)
        assert torch.equal(model(**batch).logits, before)
    assert torch.equal(embeddings.weight, whole)


def test_training_gives_what_it_gives_with_all_rows(make_bert, features, tmp_path, monkeypatch):
    start, own, whole = make_bert(), make_bert(), make_bert()
    fit(own, features, tmp_path / "own")
    monkeypatch.setattr(trainer, "used_rows", lambda *_: nullcontext())
    fit(whole, features, tmp_path / "whole")
    for (name, one), other in zip(own.named_parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)
    rows, before = (model.get_input_embeddings().weight for model in (own, start))
    changed = (rows != before).any(1).nonzero().flatten().tolist()
    assert changed == USED  # not the padding's, which has no gradient


def test_an_interrupted_training_goes_on_with_the_same_rows(make_bert, features, tmp_path):
    once, again = make_bert(), make_bert()
    fit(once, features, tmp_path)
    shutil.rmtree(tmp_path / "checkpoint-8")
    fit(again, features, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-4", "checkpoint-8"]
    assert torch.equal(again.get_input_embeddings().weight, once.get_input_embeddings().weight)


def test_weight_decay_reaches_all_rows(make_bert, features, tmp_path):
    model, start = make_bert(), make_bert()
    fit(model, features, tmp_path, weight_decay=0.1)
    assert (model.get_input_embeddings().weight != start.get_input_embeddings().weight).any(1)[1:].all()


def test_an_id_that_no_text_uses_is_refused(make_bert, features):
    model = make_bert()
    with used_rows(model, USED), pytest.raises(IndexError):
        model(input_ids=torch.tensor([[3, 4]]))


def test_nothing_changes_where_nearly_all_rows_are_in_use(make_bert):
    model = make_bert()
    with used_rows(model, range(46)):
        assert len(model.get_input_embeddings().weight) == 50


def test_frozen_embeddings_stay_as_they_are(make_bert, features):
    model = make_bert()
    model.get_input_embeddings().weight.requires_grad_(False)
    with used_rows(model, USED):
        assert len(model.get_input_embeddings().weight) == 50
