"""The nearest name: slips of the hand are answered with what was meant, other names with nothing."""

import pytest

from prune.config.keys import GROUPS, choices, known_keys
from prune.recipes import library
from prune.runtime.registry import names, nearest

MODELS, METHODS, TASKS = (choices(group) for group in ("model", "method", "task"))
KEYS = [*known_keys(), *GROUPS]
FAMILIES = names("families")


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("hybird_filled", METHODS, "hybrid_filled"),
        ("strcut", METHODS, "struct"),
        ("oneshot", METHODS, "one_shot"),
        ("bert-base", MODELS, "bert_base"),
        ("disilbert_base", MODELS, "distilbert_base"),
        ("sst", TASKS, "sst2"),
        ("squadv2", TASKS, "squad_v2"),
        ("metod.penalty", KEYS, "method.penalty"),
        ("method.penality", KEYS, "method.penalty"),
        ("method.attention.criterium", KEYS, "method.attention.criterion"),
        ("penalty", KEYS, "method.penalty"),
        ("pennalty", KEYS, "method.penalty"),
        ("batch_size", KEYS, "schedule.batch_size"),
        ("tagret.speedup", KEYS, "target.speedup"),
        ("tabel", ["run", "show", "table"], "table"),
        ("sotr", ["sort", "format"], "sort"),
        ("onxx", ["onnx", "onnx_int8", "torch"], "onnx"),
        ("dmo", library.names(), "demo"),
        ("minilm_oneshot", library.names(), "mnli/minilm_one_shot"),
        ("mnli/minilm_one_sht", library.names(), "mnli/minilm_one_shot"),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_what_was_meant(name, known, meant):
    assert nearest(name, known) == f" (did you mean {meant!r}?)"


@pytest.mark.parametrize(
    "name", ["ernie", "opt", "llama", "xlnet", "convbert", "rembert", "flaubert", "gpt_neo", "x", ""]
)
@pytest.mark.parametrize("known", [FAMILIES, MODELS], ids=["families", "models"])
def test_another_name_is_not_answered_with_one_that_shares_some_letters(name, known):
    assert nearest(name, known) == ""


@pytest.mark.parametrize("name", ["sparsity", "lambda", "pruning_ratio", "model.folder", "out"])
def test_a_key_that_is_like_none_is_answered_with_none(name):
    assert nearest(name, KEYS) == ""
