"""Tiny models with masks: built from a config and a seed, so that no test needs a network or a file."""

import gc
import os
import sys

import pytest
import torch
from datasets import Dataset
from hydra.core.config_store import ConfigStore
from transformers import BertConfig, BertForSequenceClassification

from prune.cli import main
from prune.masking.attach import attach
from prune.masking.bank import SiteMasking
from prune.masking.grains import GRAINS
from prune.models.architecture import skeleton, sublayers_of
from prune.runtime import registry
from tests.runs.tiny import FinishedRuns

SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "vocab_size": 50,
    "max_position_embeddings": 32,
}


@pytest.fixture(scope="module", autouse=True)
def _little_to_collect():
    """The garbage collector passes over what is there already: a full look at torch and transformers takes a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """What tests of hostile names print has characters that no worker of pytest-xdist can send."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def _no_recipes_of_others():
    """Hydra copies its whole store whenever it composes, with every recipe that was ever named."""
    yield
    ConfigStore.instance().repo.pop("recipe", None)


@pytest.fixture
def make_bert():
    """A BERT of head size 4 with weights and biases so large that every part of it shows in the logits."""

    def make(seed=0, **shape):
        torch.manual_seed(seed)
        model = BertForSequenceClassification(BertConfig(**SHAPE | {"initializer_range": 0.3} | shape)).eval()
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.3)
        return model

    return make


@pytest.fixture
def sublayers():
    """The sublayers of a model of any family."""
    return lambda model: sublayers_of(skeleton(model.config))


@pytest.fixture
def site():
    """How one site is masked."""

    def make(criterion="soft_movement", grain="element", block=(4, 4), density=0.5, threshold=0.1, penalty=0.0, **rest):
        found = registry.module("criteria", criterion).CRITERION
        return SiteMasking(found, grain, block, density, threshold, penalty, **rest)

    return make


@pytest.fixture
def mask(sublayers, site):
    """Attaches masks; a grain that a site does not know is replaced by elements there."""

    def make(model, criterion="soft_movement", grain="element", seed=0, **settings):
        grains = {name: grain if name in GRAINS[grain].sites else "element" for name in ("attention", "feed_forward")}
        sites = {name: site(criterion, one, **settings) for name, one in grains.items()}
        return attach(model, model.base_model, sublayers(model), sites, seed)

    return make


@pytest.fixture
def shuffle():
    """Gives learned scores random values."""

    def apply(masks, mean=0.0, std=1.0, seed=0):
        generator = torch.Generator().manual_seed(seed)
        for scores in masks.parameters():
            if scores.requires_grad:
                scores.data = mean + std * torch.randn(scores.shape, generator=generator)

    return apply


@pytest.fixture
def ids():
    """Three inputs of seven tokens."""
    return torch.randint(0, SHAPE["vocab_size"], (3, 7), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def features():
    """Texts of four lengths."""
    ids = [list(range(2, 2 + n)) for n in (5, 3, 9, 4)]
    masks = [[1] * len(one) for one in ids]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": masks, "length": [len(one) for one in ids]})


@pytest.fixture(scope="session")
def finished_runs(tmp_path_factory):
    """Tiny runs of every method, to be copied."""
    base = tmp_path_factory.getbasetemp()
    store = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished_runs"
    store.mkdir(exist_ok=True)
    return FinishedRuns(store)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder to be called in; Hydra sees the words of the command only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prune"])
    return tmp_path


@pytest.fixture
def prune(capsys, monkeypatch, elsewhere):
    """Calls the command in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def call(*words):
        code = 0
        try:
            main.main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call
