"""Masked tokens: which they are, in evaluation and in training; what is wrong with data; predictions by hand."""

import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertForMaskedLM

from prune.config.schema import TaskConfig
from prune.data.features import IGNORED, inputs_only
from prune.data.fingerprints import cache_key
from prune.data.masked_tokens import MaskingCollator, fixed_places
from prune.demo.generate import ADJECTIVES, ADVERBS, THINGS
from prune.errors import UserError
from prune.models import loading
from prune.tasks.base import Predictions
from prune.tasks.masked_language_modeling import MaskedLanguageModeling
from tests.tasks.files import refused, task_over

CONFIG = TaskConfig(
    name="guess",
    kind="masked_language_modeling",
    text=["text"],
    label="",
    metrics=["accuracy", "pseudo_perplexity"],
    max_length=48,
)
WORDS = [*THINGS, *ADVERBS, *ADJECTIVES]
TEXTS = [" ".join(WORDS[(n + 7 * i) % len(WORDS)] for i in range(3 + n % 40)) for n in range(200)]
ROWS = Dataset.from_dict({"text": TEXTS})


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer("pkg://demo/model")


def made(tokenizer, texts=TEXTS, *, training=False, seed=0, **values):
    """The task, and the features that it makes of `texts`."""
    task = MaskedLanguageModeling(replace(CONFIG, **values), seed)
    return task, task.features(Dataset.from_dict({"text": texts}), tokenizer, training=training)


# Evaluation


def test_the_masks_of_an_evaluation_are_always_the_same(tokenizer):
    (_, one), (_, other) = made(tokenizer), made(tokenizer, TEXTS[::-1])
    assert list(one["input_ids"]) == list(other["input_ids"])[::-1]
    assert list(one["labels"]) == list(other["labels"])[::-1]


def test_the_masks_of_an_evaluation_are_the_same_on_every_machine():
    assert fixed_places([2, *range(10, 30), 3], {2, 3}, 0, "a text") == [4, 8, 12]


def test_another_seed_masks_other_tokens(tokenizer):
    (_, one), (_, other) = made(tokenizer), made(tokenizer, seed=1)
    assert list(one["labels"]) != list(other["labels"])


def test_features_of_another_seed_are_others_in_the_cache(tokenizer):
    assert len({cache_key("data", tokenizer, CONFIG, False, seed) for seed in (None, 0, 1)}) == 3


def test_masks_hide_a_share_of_the_words_of_each_text_and_nothing_else(tokenizer):
    _, found = made(tokenizer)
    whole = tokenizer(TEXTS, truncation=True, max_length=48)["input_ids"]
    for ids, labels, true in zip(found["input_ids"], found["labels"], whole, strict=True):
        places = [place for place, label in enumerate(labels) if label != IGNORED]
        assert len(places) == max(1, round(0.15 * (len(true) - 2)))
        assert [labels[place] for place in places] == [true[place] for place in places]
        assert {ids[place] for place in places} == {tokenizer.mask_token_id}
        assert [a for a, b in zip(ids, labels, strict=True) if b == IGNORED] == [
            a for a, b in zip(true, labels, strict=True) if b == IGNORED
        ]
        assert labels[0] == labels[-1] == IGNORED


def test_unknown_words_are_not_masked(tokenizer):
    _, found = made(tokenizer, ["☃ ☃ ☃ soup ☃ ☃", "soup"])
    labels = [label for label in found["labels"][0] if label != IGNORED]
    assert tokenizer.convert_ids_to_tokens(labels) == ["soup"]


def test_a_text_of_unknown_words_has_no_masks_and_trains_nothing(tokenizer):
    texts = ["soup tea", "☃ ☃", "tea"]
    _, found = made(tokenizer, texts)
    assert set(found["labels"][1]) == {IGNORED}
    assert len(found) == 3
    _, trained = made(tokenizer, texts, training=True)
    assert tokenizer.batch_decode(list(trained["input_ids"]), skip_special_tokens=True) == ["soup tea", "tea"]


@pytest.mark.parametrize("training", [True, False])
def test_texts_of_unknown_words_alone_are_refused(tokenizer, training):
    with pytest.raises(UserError, match="task guess: no text has a token that the tokenizer of the model knows"):
        made(tokenizer, ["☃ ☃"], training=training)


def test_a_tokenizer_without_masks_is_refused():
    with pytest.raises(UserError, match="has no token for what is masked"):
        made(SimpleNamespace(mask_token_id=None))


def test_long_texts_are_cut_and_counted(tokenizer):
    task, found = made(tokenizer, max_length=8)
    assert max(found["length"]) == 8
    assert task.num_truncated(found) == sum(len(text.split()) > 6 for text in TEXTS)


# Batches


@pytest.fixture(scope="module")
def training(tokenizer):
    """Features to train on."""
    return inputs_only(made(tokenizer, training=True)[1])


def masked(collator, features, size=8):
    return [collator([features[row] for row in range(at, at + size)]) for at in range(0, len(features), size)]


def places(batches):
    return [(batch["labels"] != IGNORED).nonzero().tolist() for batch in batches]


def test_a_batch_that_has_labels_is_padded_and_not_masked_again(tokenizer):
    task, found = made(tokenizer, TEXTS[:2])
    batch = task.collator(tokenizer)([inputs_only(found)[row] for row in (0, 1)])
    pad, (first, second) = tokenizer.pad_token_id, found["input_ids"]
    assert batch["input_ids"].tolist() == [first + [pad] * (len(second) - len(first)), second]
    assert batch["labels"].tolist() == [found["labels"][0] + [IGNORED], found["labels"][1]]
    assert batch["attention_mask"].sum(1).tolist() == [len(first), len(second)]


def test_training_masks_others_in_every_epoch(tokenizer, training):
    collator = MaskingCollator(tokenizer, 0)
    found = []
    for collator.epoch in range(3):
        found.append(places(masked(collator, training)))
    assert all(one != other for one, other in pairwise([*found, found[0]]))


def test_the_masks_of_an_epoch_depend_on_nothing_else(tokenizer, training):
    one, other = MaskingCollator(tokenizer, 0), MaskingCollator(tokenizer, 0)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = masked(one, training)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    last = masked(other, training.select(range(160, 200)))
    assert all(torch.equal(a["input_ids"], b["input_ids"]) for a, b in zip(first[20:], last, strict=True))
    assert places(masked(MaskingCollator(tokenizer, 1), training)) != places(first)


def test_training_masks_as_bert_was_trained(tokenizer, training):
    batches = [batch for epoch in range(10) for batch in _epoch(tokenizer, training, epoch)]
    labels, ids, special = zip(*batches, strict=True)
    labels, ids, special = torch.cat(labels), torch.cat(ids), torch.cat(special)
    drawn = labels != IGNORED
    assert not (drawn & special).any()
    assert (drawn.sum() / (~special).sum()).item() == pytest.approx(0.15, abs=0.015)
    hidden, kept = ids[drawn] == tokenizer.mask_token_id, ids[drawn] == labels[drawn]
    assert hidden.double().mean().item() == pytest.approx(0.8, abs=0.03)
    assert kept.double().mean().item() == pytest.approx(0.1, abs=0.03)


def _epoch(tokenizer, training, epoch):
    collator = MaskingCollator(tokenizer, 0)
    collator.epoch = epoch
    for at, batch in enumerate(masked(collator, training.select(range(30, 200)), 10)):
        rows = training.select(range(30 + 10 * at, 40 + 10 * at))["input_ids"]
        whole = tokenizer.pad({"input_ids": list(rows)}, return_tensors="pt")["input_ids"]
        special = torch.isin(whole, torch.tensor(tokenizer.all_special_ids))
        yield batch["labels"].flatten(), batch["input_ids"].flatten(), special.flatten()


@pytest.mark.parametrize("side", ["right", "left"])
def test_something_of_each_text_is_masked(side):
    tokenizer = loading.tokenizer("pkg://demo/model")
    tokenizer.padding_side = side
    _, found = made(tokenizer, ["soup", "tea", "warm bread", "the tea was very warm"] * 10, training=True)
    (batch,) = masked(MaskingCollator(tokenizer, 0), inputs_only(found), 40)
    assert "special_tokens_mask" not in batch
    assert (batch["labels"] != IGNORED).any(1).all()
    whole = tokenizer.pad({"input_ids": list(found["input_ids"])}, return_tensors="pt")["input_ids"]
    drawn = batch["labels"] != IGNORED
    assert torch.equal(batch["labels"][drawn], whole[drawn])
    assert torch.equal(batch["input_ids"][~drawn], whole[~drawn])


# Data


@pytest.fixture
def folder(tmp_path):
    """Writes both splits; returns the task over them."""

    def make(train=({"text": "tea"},), validation=({"text": "tea"},), **values):
        return task_over(tmp_path, MaskedLanguageModeling, CONFIG, list(train), list(validation), **values)

    return make


@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_wrong_with_the_data_is_named(folder, split):
    assert "there is no column 'text'; the columns are words" in refused(folder(**{split: [{"words": "tea"}]}))
    assert "the column 'text' holds int64, not text" in refused(folder(**{split: [{"text": 3}]}))


def test_empty_texts_are_left_out_and_told(folder):
    rows = [{"text": f"tea {n}"} for n in range(200)]
    rows[3], rows[5] = {"text": " \n"}, {"text": None}
    guess = folder(train=rows)
    assert len(guess.load()["train"]) == 198
    assert guess.remarks == ["split 'train': 2 of 200 rows with an empty text (the first is row 3) left out"]


# Predictions


def answer(tokens, actual, log_likelihood):
    return {"tokens": tokens, "actual": actual, "log_likelihood": log_likelihood}


ANSWERS = {
    "0": answer(["tea", "was"], ["tea", "is"], math.log(1 / 2 * 1 / 8)),
    "1": answer(["a"], ["a"], math.log(1 / 4)),
}
TWO = Dataset.from_dict({"text": ["a", "b"]})


def scored(answers, **values):
    return MaskedLanguageModeling(replace(CONFIG, **values), 0).measure(Predictions(answers), TWO)


def test_scores_by_hand():
    assert scored(ANSWERS) == pytest.approx({"accuracy": 2 / 3, "pseudo_perplexity": 4.0})
    assert list(scored(ANSWERS, metrics=["pseudo_perplexity"])) == ["pseudo_perplexity"]


def test_a_text_without_masks_counts_nothing():
    assert scored(ANSWERS | {"1": answer([], [], 0.0)}) == pytest.approx({"accuracy": 1 / 2, "pseudo_perplexity": 4.0})


def test_what_is_most_unlikely_has_a_perplexity():
    assert math.isfinite(scored(ANSWERS | {"1": answer(["a"], ["b"], -1e30)})["pseudo_perplexity"])


BAD = {
    "no mapping": "tea",
    "no tokens": {"actual": ["a"], "log_likelihood": -1.0},
    "a word": answer("a", "a", -1.0),
    "numbers": answer([1], [1], -1.0),
    "too few": answer([], ["a"], -1.0),
    "no likelihood": {"tokens": ["a"], "actual": ["a"]},
    "too likely": answer(["a"], ["a"], 0.5),
    "not finite": answer(["a"], ["a"], float("nan")),
    "a truth": answer(["a"], ["a"], False),
}


@pytest.mark.parametrize("case", BAD)
def test_predictions_that_make_no_sense_are_refused(case):
    with pytest.raises(UserError, match=r"^predictions: .* of 1 (are not two lists of tokens|is .*no number)"):
        scored(ANSWERS | {"1": BAD[case]})


def test_predictions_without_any_masked_token_are_refused():
    with pytest.raises(UserError, match="there is no masked token in them"):
        scored({"0": answer([], [], 0.0), "1": answer([], [], 0.0)})


def test_chance_is_that_of_the_words_that_are_masked(tokenizer):
    texts = ["soup"] * 3 + ["tea"]
    for metric, expected in (("accuracy", 3 / 4), ("pseudo_perplexity", 4 / 3**0.75)):
        task, _ = made(tokenizer, texts, metrics=[metric])
        assert task.chance(Dataset.from_dict({"text": texts})) == pytest.approx(expected)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), **small))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_each_text_gets_its_answer(tokenizer, model, size):
    texts = ["soup", "☃", *TEXTS[20:25]]
    task, found = made(tokenizer, texts)
    model.train()
    predicted = task.predictions(model, found, Dataset.from_dict({"text": texts}), tokenizer, size)
    assert model.training
    assert list(predicted.answers) == [str(number) for number in range(len(texts))]
    model.eval()
    for ids, labels, said in zip(found["input_ids"], found["labels"], predicted.answers.values(), strict=True):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        where = [place for place, label in enumerate(labels) if label != IGNORED]
        assert said["actual"] == tokenizer.convert_ids_to_tokens([labels[place] for place in where])
        assert said["tokens"] == tokenizer.convert_ids_to_tokens(logits[where].argmax(-1).tolist())
        likely = logits.log_softmax(-1)
        expected = sum(likely[place, labels[place]].item() for place in where)
        assert said["log_likelihood"] == pytest.approx(expected, abs=1e-4)
