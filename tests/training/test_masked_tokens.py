"""Training on masked tokens: the masks of an epoch are found again, and every word can be guessed and be put in."""

import shutil

import torch
from transformers import BertConfig, BertForMaskedLM

from prune.config.schema import DistillationConfig, Precision
from prune.data.masked_tokens import MaskingCollator
from prune.models import loading
from prune.training.distillation import TrainingData
from prune.training.trainer import Training, train
from tests.tasks.test_masked_language_modeling import made
from tests.training.test_training import Heard

TEXTS = [" ".join(["soup", "tea", "warm"][n % 3 :] * 3) for n in range(16)]


class Watched(MaskingCollator):
    """Keeps the epoch and the masks of each batch."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = []

    def __call__(self, rows):
        batch = super().__call__(rows)
        self.seen.append((self.epoch, batch["labels"].tolist()))
        return batch


def fit(folder, tied=True):
    """Trains a tiny model for two epochs of four steps: the model, and what it has seen."""
    tokenizer = loading.tokenizer("pkg://demo/model")
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), tie_word_embeddings=tied, **small))
    collator, (_, features) = Watched(tokenizer, 0), made(tokenizer, TEXTS, training=True)
    setting = Training("dense", 8, 1, 2, 4, 1e-2, 0.1, 0.0, Precision.float32, seed=0)
    train(model, TrainingData(features), collator, setting, DistillationConfig(), folder, Heard())
    return model, collator.seen


def test_a_training_masks_anew_in_each_epoch(tmp_path):
    _, seen = fit(tmp_path)
    assert [epoch for epoch, _ in seen] == [0] * 4 + [1] * 4
    assert sorted(str(labels) for _, labels in seen[:4]) != sorted(str(labels) for _, labels in seen[4:])


def test_an_interrupted_training_goes_on_with_the_same_masks(tmp_path):
    once, seen = fit(tmp_path)
    shutil.rmtree(tmp_path / "checkpoint-8")
    again, rest = fit(tmp_path)
    assert rest == seen[6:]
    for one, other in zip(once.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_words_that_no_text_uses_are_put_in_where_weights_are_not_tied(tmp_path):
    model, _ = fit(tmp_path, tied=False)
    assert model.get_input_embeddings().weight is not model.get_output_embeddings().weight
    assert len(model.get_input_embeddings().weight) == model.config.vocab_size
