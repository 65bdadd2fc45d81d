"""The benches of training run, whatever changes in what they measure; their figures are not looked at."""

import sys

import pytest
from transformers import BertConfig, BertForSequenceClassification

from benchmarks import filling_step, first_token, training_step, used_rows, workload

TINY = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("bench", [training_step, filling_step, used_rows, first_token])
def test_it_runs_to_its_end(bench, monkeypatch, capsys):
    monkeypatch.setitem(workload.SHAPES, "minilm", TINY)
    monkeypatch.setattr(training_step, "memory_in_process", lambda *_: 1.0)  # tested below
    monkeypatch.setattr(sys, "argv", ["bench", "--lengths", "8", "--batch-size", "64", "--pairs", "2"])
    bench.main()
    assert "random weights; batch 64" in capsys.readouterr().out


def test_a_folder_of_weights_is_taken(tmp_path):
    model = BertForSequenceClassification(BertConfig(**TINY))
    model.save_pretrained(tmp_path)
    found = workload.Workload(str(tmp_path)).bert()
    assert all(found.state_dict()[name].equal(value) for name, value in model.state_dict().items())


def test_memory_is_that_of_a_process_of_its_own():
    of_method = training_step.memory_in_process(workload.Workload(lengths=(8,)), "struct")
    assert of_method > 1e8
