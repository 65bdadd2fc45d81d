"""A pruned model loads by every auto class that has a model of its architecture, where nothing else is installed."""

import json
import subprocess
import sys

import pytest
import torch
import transformers

import prune
from prune.compaction import modeling_pruned, saved_model
from prune.compaction.first_token import first_token_suffices
from prune.compaction.structure import Structure
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs

WITHOUT_THIS_PACKAGE = """
import json, sys
from importlib.abc import MetaPathFinder

class Without(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "prune":
            raise ImportError("prune is not installed here")

sys.meta_path.insert(0, Without())
"""
LOADING = (
    WITHOUT_THIS_PACKAGE
    + """
import torch, transformers
transformers.logging.set_verbosity_error()

def equal(found, expected):
    return all(found[name].equal(values) for name, values in expected.items())

for folder, auto_classes in json.loads(sys.argv[1]).items():
    batch = torch.load(f"{folder}/batch.pt", weights_only=True)
    for auto_class in auto_classes:
        model, found = getattr(transformers, auto_class).from_pretrained(
            folder, trust_remote_code=True, output_loading_info=True,
            ignore_mismatched_sizes=auto_class == "AutoModelForMultipleChoice",  # its `classifier` has one label
        )
        assert type(model).__module__.startswith("transformers_modules."), type(model)
        layers = [name for name in found["missing_keys"] if "layer." in name or "block." in name]
        assert not layers, (folder, auto_class, layers)
        with torch.no_grad():
            if type(model).__name__ == batch["class"]:
                assert equal(model.eval()(**batch["inputs"]), batch["outputs"]), auto_class
            if auto_class == "AutoModel":
                assert equal(model.eval()(**batch["inputs"]), batch["states"]), folder
            if auto_class == "AutoModelForTokenClassification":
                words = {name: batch["inputs"][name] for name in ("input_ids", "attention_mask")}
                states = batch["states"].get("encoder_last_hidden_state", batch["states"]["last_hidden_state"])
                assert model.base_model.eval()(**words).last_hidden_state.equal(states), folder
"""
)


def save_pruned(architecture, folder):
    """A model with half of its units, and every third sublayer without any; with what it gives for a batch."""
    model, whole, batch = architecture.model(), architecture.model(), inputs(architecture)
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) if number % 3 else () for number, s in enumerate(sublayers)}
    suffices = first_token_suffices(architecture.auto_class, sublayers)
    structure = Structure(model.config.model_type, kept, first_token_only=suffices)
    structure.apply(model.base_model, sublayers)
    Structure(model.config.model_type, kept).apply(whole.base_model, sublayers)
    saved_model.save(model, structure, NO_TOKENIZER, folder)
    with torch.no_grad():
        outputs, states = {"logits": model(**batch).logits}, whole.base_model(**batch)
        if architecture.writes and architecture.model_class.startswith("T5"):  # its base model has a head, too
            states = transformers.T5Model.forward(whole, **batch)
    states = {name: states[name] for name in STATES if name in states}
    found = {"class": architecture.model_class, "inputs": batch, "outputs": outputs, "states": states}
    torch.save(found, folder / "batch.pt")


STATES = ("last_hidden_state", "encoder_last_hidden_state", "pooler_output")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Name of an architecture -> a folder with a pruned model of it."""
    found = {name: tmp_path_factory.mktemp(name) for name in ARCHITECTURES}
    for name, folder in found.items():
        save_pruned(ARCHITECTURES[name], folder)
    return found


ALL_OF = {"bert", "bart", "t5", "gpt2"}
"""Whose every class the quick suite loads."""


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_architecture_loads_with_every_head_where_this_package_is_not_installed(every, folders, tmp_path):
    cases = {}
    for name, folder in folders.items():
        auto_map = json.loads((folder / "config.json").read_text())["auto_map"]
        wanted = set(auto_map) if every or name in ALL_OF else {"AutoModel", ARCHITECTURES[name].auto_class}
        cases[str(folder)] = sorted(wanted)
    done = subprocess.run(
        [sys.executable, "-c", LOADING, json.dumps(cases)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["bert", "bart", "t5", "gpt2"])
def test_the_map_names_each_auto_class_that_has_a_model_of_the_architecture(name, folders):
    config = json.loads((folders[name] / "config.json").read_text())
    config_class = type(ARCHITECTURES[name].model().config)
    mapped = {
        auto_class
        for auto_class in dir(transformers)
        if auto_class.startswith("AutoModel")
        and (mapping := getattr(getattr(transformers, auto_class), "_model_mapping", None)) is not None
        and config_class in mapping
    }
    assert config["auto_map"].keys() == mapped > {"AutoModel", ARCHITECTURES[name].auto_class}


@pytest.mark.parametrize("name", ["bert", "distilbert", "mpnet"])
def test_where_a_classifier_reads_the_first_token_other_models_give_all(name, folders):
    batch = torch.load(folders[name] / "batch.pt", weights_only=True)
    classifier = prune.load(folders[name])
    base_class = getattr(modeling_pruned, type(classifier.base_model).__name__)
    base, found = base_class.from_pretrained(folders[name], output_loading_info=True)
    assert found["unexpected_keys"]
    with torch.no_grad():
        first, states = (one(**batch["inputs"]).last_hidden_state for one in (classifier.base_model, base.eval()))
    assert first.shape[1] == 1
    assert states.equal(batch["states"]["last_hidden_state"])
    torch.testing.assert_close(states[:, :1], first)


def test_a_model_that_is_made_from_the_config_alone_has_numbers(folders):
    config = prune.load(folders["bert"]).config
    config.initializer_range = 0.5
    model = modeling_pruned.BertForMaskedLM._from_config(config)
    layer = model.bert.encoder.layer[0]
    assert layer.attention.self.query.weight.shape == (0, 16)
    assert layer.intermediate.dense.weight.shape == (12, 16)
    assert 0.3 < layer.intermediate.dense.weight.std() < 0.7
    assert not layer.intermediate.dense.bias.any()


@pytest.mark.parametrize("name", ["NoSuchModel", "BertConfig", "AutoModel", "pipeline", "__path__"])
def test_the_code_has_models_only(name):
    assert not hasattr(modeling_pruned, name)
