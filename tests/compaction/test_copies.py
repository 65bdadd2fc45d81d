"""What transformers saves of a pruned model is one, too: with its structure, and the code that loads it beside."""

import json
import subprocess
import sys

import pytest
import torch

import prune
from prune.compaction import modeling_pruned, saved_model
from prune.compaction.depth import Depth
from prune.compaction.structure import Structure
from prune.compaction.tokens import TokenPooling
from prune.compaction.written import numbers_in
from prune.config.schema import Config, TaskConfig
from prune.errors import UserError
from prune.files.paths import PACKAGE
from prune.models.architecture import sublayers_of
from prune.pipeline.networks import Networks
from prune.report.inspection import inspect
from prune.tasks.text_classification import TextClassification
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs
from tests.compaction.test_auto_classes import WITHOUT_THIS_PACKAGE
from tests.hostile import edit

CODE = (PACKAGE / "compaction" / "modeling_pruned.py").read_bytes()


def save_pruned(name, folder, first_token_only=False):
    """A pruned model without every second unit; its logits."""
    model = ARCHITECTURES[name].model()
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) for s in sublayers}
    structure = Structure(model.config.model_type, kept, first_token_only=first_token_only)
    structure.apply(model.base_model, sublayers)
    saved_model.save(model, structure, NO_TOKENIZER, folder)
    return logits_of(model, name)


def logits_of(model, name):
    with torch.no_grad():
        return model(**inputs(ARCHITECTURES[name])).logits


@pytest.fixture
def folder(tmp_path):
    save_pruned("bert", tmp_path / "model", first_token_only=True)
    return tmp_path / "model"


def as_before(folder):
    """Leaves the files that earlier versions wrote: a structure.json, and a class of another name."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    structure = config.pop("pruned_structure")
    kept = {name: list(units) for name, units in numbers_in(structure, "kept").items()}
    config["auto_map"] = {"AutoModelForSequenceClassification": "modeling_pruned.PrunedBertForSequenceClassification"}
    file.write_text(json.dumps(config))
    content = structure | {"version": 1, "model_type": "bert", "kept": kept}
    (folder / "structure.json").write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["bert", "t5", "gpt2_writer"])
def test_a_copy_of_a_loaded_model_is_the_same_pruned_model(name, tmp_path):
    logits = save_pruned(name, tmp_path / "model")
    prune.load(tmp_path / "model").save_pretrained(tmp_path / "copy")
    for file in ("config.json", "modeling_pruned.py"):
        assert (tmp_path / "copy" / file).read_bytes() == (tmp_path / "model" / file).read_bytes()
    assert (tmp_path / "copy" / "modeling_pruned.py").read_bytes() == CODE
    assert logits_of(prune.load(tmp_path / "copy"), name).equal(logits)
    assert inspect(tmp_path / "copy").kept == inspect(tmp_path / "model").kept


ELSEWHERE = (
    WITHOUT_THIS_PACKAGE
    + """
import torch, transformers
from transformers import Trainer, TrainingArguments
transformers.logging.set_verbosity_error()
folder, work = sys.argv[1:]

def load(auto_class, folder):
    return getattr(transformers, auto_class).from_pretrained(folder, trust_remote_code=True)

load("AutoModel", folder).save_pretrained(f"{work}/base")
assert load("AutoModel", f"{work}/base").config.pruned_structure
ids = torch.arange(14).view(2, 7)
data = [{"input_ids": row, "labels": row[0] % 2} for row in ids]
settings = TrainingArguments(
    f"{work}/checkpoints", max_steps=2, save_steps=1, report_to=[], disable_tqdm=True, use_cpu=True
)
model = load("AutoModelForSequenceClassification", folder)
Trainer(model, settings, train_dataset=data).train()
again = load("AutoModelForSequenceClassification", f"{work}/checkpoints/checkpoint-2")
with torch.no_grad():
    logits = model.eval()(ids).logits
    assert again.eval()(ids).logits.equal(logits)
torch.save(logits, f"{work}/logits.pt")
load("AutoModelForTokenClassification", f"{work}/checkpoints/checkpoint-2").save_pretrained(f"{work}/words")
"""
)


@pytest.mark.slow
def test_copies_that_are_made_where_this_package_is_not_installed_are_loaded_here(folder, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(folder), str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    checkpoint = tmp_path / "checkpoints" / "checkpoint-2"
    ids = torch.arange(14).view(2, 7)
    with torch.no_grad():
        assert prune.load(checkpoint)(ids).logits.equal(torch.load(tmp_path / "logits.pt"))
    for copy, model_class in (("base", "BertModel"), ("words", "BertForTokenClassification")):
        assert type(prune.load(tmp_path / copy)).__name__ == model_class
        assert (tmp_path / copy / "modeling_pruned.py").read_bytes() == CODE
    assert inspect(checkpoint).kept == inspect(folder).kept


@pytest.mark.parametrize(
    ("name", "model_class"),
    [
        ("bert", "BertModel"),
        ("t5", "T5EncoderModel"),
        ("t5", "T5ForTokenClassification"),
        ("bart", "BartForCausalLM"),
        ("gpt2_writer", "GPT2ForTokenClassification"),
    ],
)
def test_models_of_a_part_or_with_another_head_are_pruned_models(name, model_class, tmp_path):
    save_pruned(name, tmp_path / "model")
    getattr(modeling_pruned, model_class).from_pretrained(tmp_path / "model").save_pretrained(tmp_path / "copy")
    loaded, found = prune.load(tmp_path / "copy"), inspect(tmp_path / "copy")
    assert (type(loaded).__name__, found.model_class) == (model_class, model_class)
    assert 0 < found.density < 0.6
    assert all(found.kept[sublayer.name] == -(-sublayer.num_units // 2) for sublayer in found.sublayers)


def test_a_model_that_lost_no_unit_is_one_of_stock_classes_and_its_copy_too(make_bert, sublayers, tmp_path):
    model = make_bert()
    structure = Structure("bert", {s.name: tuple(range(s.num_units)) for s in sublayers(model)})
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path / "model")
    prune.load(tmp_path / "model").save_pretrained(tmp_path / "copy")
    assert {file.name for file in (tmp_path / "copy").iterdir()} == {"config.json", "model.safetensors"}
    assert type(prune.load(tmp_path / "copy")) is type(model)
    assert Structure.read(tmp_path / "copy") == structure


def test_only_a_classifier_is_told_to_leave_out_tokens(folder, tmp_path):
    assert inspect(folder).last_attention == "encoder.layer.2.attention"
    modeling_pruned.BertForMaskedLM.from_pretrained(folder).save_pretrained(tmp_path / "copy")
    assert inspect(tmp_path / "copy").last_attention is None
    modeling_pruned.BertForSequenceClassification.from_pretrained(tmp_path / "copy").save_pretrained(tmp_path / "again")
    assert inspect(tmp_path / "again").last_attention == "encoder.layer.2.attention"


def test_a_folder_of_an_earlier_version_loads_and_its_copy_is_of_this_one(folder, tmp_path):
    logits = logits_of(prune.load(folder), "bert")
    expected = (folder / "config.json").read_bytes()
    as_before(folder)
    assert logits_of(prune.load(folder), "bert").equal(logits)
    assert inspect(folder).last_attention == "encoder.layer.2.attention"
    prune.load(folder).save_pretrained(tmp_path / "copy")
    assert (tmp_path / "copy" / "config.json").read_bytes() == expected
    assert not (tmp_path / "copy" / "structure.json").exists()


@pytest.mark.parametrize(
    "values",
    [
        {"model_type": "roberta"},
        {"version": 2},
        {"kept": {}},
        {"kept": {"encoder.layer.0.attention": [1, 0]}},
        {"a": 1},
    ],
)
def test_an_earlier_versions_file_is_checked_likewise(values, folder):
    as_before(folder)
    edit(folder / "structure.json", **values)
    with pytest.raises(UserError, match=r"structure\.json: "):
        prune.load(folder)


def test_code_that_came_from_a_repository_goes_with_the_copy(folder, tmp_path):
    """transformers notes in the config which repository the code of a model came from."""
    config = prune.load(folder).config
    config.auto_map = {name: f"someone/repository--{code}" for name, code in config.auto_map.items()}
    modeling_pruned.BertModel.from_pretrained(folder, config=config).save_pretrained(tmp_path / "copy")
    saved = json.loads((tmp_path / "copy" / "config.json").read_text())["auto_map"]
    assert saved == modeling_pruned.auto_map(type(config))
    prune.load(tmp_path / "copy")


def test_a_copy_is_a_teacher(folder, tmp_path):
    prune.load(folder).save_pretrained(tmp_path / "copy")
    task = TextClassification(TaskConfig(labels=["LABEL_0", "LABEL_1"]), 0)
    networks = Networks(Config(), task, None, [], [], Depth(), TokenPooling(), pad_token_id=None)
    teacher = networks.finished(str(tmp_path / "copy"), "teacher")
    assert logits_of(teacher, "bert").equal(logits_of(prune.load(folder), "bert"))
