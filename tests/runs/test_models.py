"""Whole runs on models of other families; what they give works in a pipeline, where this package is not installed."""

import json
import subprocess
import sys

import pytest

from prune.models import loading
from prune.results.record import Record
from tests.architectures import ARCHITECTURES
from tests.compaction.test_auto_classes import WITHOUT_THIS_PACKAGE
from tests.runs.tiny import WORDS, call, folders

PIPELINE = (
    WITHOUT_THIS_PACKAGE
    + """
from transformers import pipeline
classify = pipeline("text-classification", model=sys.argv[1], trust_remote_code=True)
print(json.dumps([one["label"] for one in classify(json.loads(sys.argv[2]))]))
"""
)


def save_model(folder, name):
    """A tiny model's config with the demo's words."""
    tokenizer = loading.tokenizer("pkg://demo/model")
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2} | {"vocab_size": len(tokenizer)}
    if name == "gpt2":  # as the real one, it has no token for padding
        tokenizer.pad_token, ids["pad_token_id"] = None, None
    config = type(ARCHITECTURES[name].model().config)(**ARCHITECTURES[name].shape | ids)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.mark.parametrize(
    "name", ["gpt2", *(pytest.param(name, marks=pytest.mark.slow) for name in ("modernbert", "deberta_v2_positions"))]
)
def test_a_model_of_another_family_is_pruned_and_loads_anywhere(name, tmp_path):
    save_model(tmp_path / "small", name)
    words = ("model.name=small", f"model.path={tmp_path / 'small'}", f"outputs={tmp_path / 'outputs'}")
    code, _, err = call(*words, "schedule.epochs=3", method="struct", run=WORDS)
    assert code == 0, err
    (run,) = folders(tmp_path / "outputs").values()
    record = Record.read(run / "record.json")
    assert 0 < record.linear_density < 1
    assert record.largest_logit_difference <= 1e-5
    texts = ["the soup was good", "the service was awful , the soup was very bad"]
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE, str(run / "model"), json.dumps(texts)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) <= {"praising", "blaming"}
