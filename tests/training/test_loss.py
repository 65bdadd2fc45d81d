"""A loss of the task's own: it takes the place of the model's as long as it is asked to."""

import pytest
import torch
from datasets import Dataset

from prune.config.schema import DistillationConfig
from prune.tasks.text_classification import balanced_weights, weighted_cross_entropy
from prune.training.distillation import TrainingData
from prune.training.loss import mean_loss, minimising
from tests.architectures import ARCHITECTURES
from tests.architectures import inputs as inputs_of


def test_balanced_weights_are_inverse_to_frequency_with_a_mean_of_one():
    labels = [0, 0, 0, 1]
    weights = balanced_weights(labels, 2)
    assert weights == pytest.approx([4 / (2 * 3), 4 / (2 * 1)])
    assert sum(weights[label] for label in labels) / 4 == pytest.approx(1)


def test_a_label_that_does_not_occur_changes_no_weight():
    assert balanced_weights([0, 0, 2, 2], 3)[::2] == [1, 1]


def test_weighted_cross_entropy_by_hand():
    logits = torch.log(torch.tensor([[0.5, 0.5], [0.25, 0.75]]))
    found = weighted_cross_entropy([1.0, 3.0])({"logits": logits}, {"labels": torch.tensor([0, 1])})
    assert found.item() == pytest.approx((torch.tensor(2.0).log() + 3 * torch.tensor(4 / 3).log()).item() / 2)


def test_the_loss_is_the_models_own_before_and_after():
    model, batch = ARCHITECTURES["bert"].model().eval(), inputs_of(ARCHITECTURES["bert"])
    batch["labels"] = torch.arange(len(batch["input_ids"])) % 2
    own = model(**batch).loss
    with minimising(weighted_cross_entropy([1.0, 1.0]), model):
        assert torch.isclose(model(**batch).loss, own)
    with minimising(weighted_cross_entropy([2.0, 2.0]), model):
        assert torch.isclose(model(**batch).loss, 2 * own)
    with minimising(None, model):
        assert torch.equal(model(**batch).loss, own)
    assert torch.equal(model(**batch).loss, own)


def test_the_mean_loss_is_that_over_examples_without_dropout():
    model, batch = ARCHITECTURES["bert"].model().train(), inputs_of(ARCHITECTURES["bert"])
    number = len(batch["input_ids"])
    batch |= {"labels": torch.arange(number) % 2, "teacher_logits": torch.randn(number, 2)}
    parts = [{name: values[part] for name, values in batch.items()} for part in (slice(0, 1), slice(1, None))]
    config = DistillationConfig(alpha_ce=0.5, alpha_teacher=0.0)
    found = mean_loss(model, TrainingData(Dataset.from_dict({})), parts, config)
    own = model.eval()(**{name: values for name, values in batch.items() if name != "teacher_logits"}).loss
    assert found == pytest.approx(0.5 * own.item())
    assert set(batch) == set(parts[0])  # what is asked takes nothing out of the batches
