"""Runs on masked tokens, by words of the command alone: the demo's model, texts and words."""

import json
import shutil

import pytest
import torch
from transformers import AutoModelForMaskedLM, GPT2Config

import prune
from prune.files.paths import PACKAGE
from prune.models import loading
from prune.results.layout import RunFolder
from prune.results.record import Record
from tests.runs.tiny import TINY, call, command, folders

TASK = ("task=mlm", "task.path=pkg://demo/data", "task.train_examples=256", "task.eval_examples=64")
TIED = ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of struct."""
    outputs = tmp_path_factory.mktemp("masked")
    code, _, err = call(f"outputs={outputs}", "report=true", method="struct", run=(*TASK, *TINY))
    assert code == 0, err
    return RunFolder(folders(outputs)["struct"])


def test_a_run_on_masked_tokens_leaves_a_record(finished):
    record = Record.read(finished.record)
    assert list(record.scores["validation"]) == ["accuracy", "pseudo_perplexity"]
    assert 0 < record.chance < record.dense_value < 1
    assert record.linear_params < record.dense_linear_params
    assert record.largest_logit_difference <= 1e-5
    assert 1 < record.scores["validation"]["pseudo_perplexity"] < 50


def test_the_predictions_of_a_run_score_as_its_record_says(finished):
    file = finished.predictions("validation").path / "predictions.json"
    answers = json.loads(file.read_text())
    assert len(answers) == 64
    assert all(len(answer["tokens"]) == len(answer["actual"]) > 0 for answer in answers.values())
    code, out, err = command("score", *TASK, f"predictions={file}")
    assert code == 0, err
    assert json.loads(out) == Record.read(finished.record).scores["validation"]


def test_masked_tokens_are_learned_from_the_teacher(finished):
    (file,) = (finished.outputs / "pruned").glob("*/history.json")
    assert [step for step in json.loads(file.read_text()) if "loss" in step][-1]["teacher_loss"] > 0


def test_the_loaded_model_guesses_with_its_word_embeddings(finished):
    model, tokenizer = prune.load(finished.model), loading.tokenizer(str(finished.model))
    own = AutoModelForMaskedLM.from_pretrained(finished.model, trust_remote_code=True).eval()
    inputs = tokenizer("the soup was [MASK]", return_tensors="pt")
    for one in (model, own):
        embeddings, decoder = map(one.get_parameter, TIED)
        assert embeddings is decoder
    with torch.no_grad():
        assert torch.equal(model(**inputs).logits, own(**inputs).logits)


def test_the_card_tells_how_tokens_are_guessed(finished):
    text = (finished.model / "README.md").read_text()
    assert "pipeline_tag: fill-mask" in text
    assert "AutoModelForMaskedLM.from_pretrained" in text
    assert 'fill = pipeline("fill-mask", model=model, tokenizer=tokenizer)' in text
    assert "| pseudo-perplexity, validation |" in text


def test_a_model_without_such_a_head_is_refused_by_name(tmp_path):
    shutil.copytree(PACKAGE / "demo/model", tmp_path / "gpt")
    GPT2Config(vocab_size=53, n_embd=8, n_layer=1, n_head=2).save_pretrained(tmp_path / "gpt")
    words = (f"outputs={tmp_path}/outputs", f"model.path={tmp_path}/gpt", "method=struct")
    code, _, err = command(*TASK, *TINY, *words)
    assert code == 2
    assert "a gpt2 has no head for task.kind=masked_language_modeling" in err
    assert "prepare" not in err
