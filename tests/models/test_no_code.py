"""What comes from someone else is data: none of its code is run, whatever the user answers when asked."""

import ast
import io
import pickle
import sys

import pytest

import prune
from prune.compaction import saved_model
from prune.compaction.structure import Structure
from prune.config.schema import ModelConfig
from prune.errors import UserError
from prune.files.paths import PACKAGE
from prune.models import loading
from prune.report.inspection import inspect
from tests.architectures import ARCHITECTURES, NO_TOKENIZER
from tests.hostile import CODE, FOREIGN, edit

CLASS = "AutoModelForSequenceClassification"
READERS = {
    "load": prune.load,
    "inspect": inspect,
    "config": lambda folder: loading.config_of(str(folder)),
    "tokenizer": lambda folder: loading.tokenizer(str(folder)),
    "model.path": lambda folder: loading.fresh_model(str(folder), CLASS, {}),
    "model.path, random": lambda folder: loading.random_model(ModelConfig(path=str(folder)), CLASS, {}),
    "teacher": lambda folder: loading.finished_model(str(folder), CLASS, option="teacher"),
}


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A folder for a model with code beside, and the file that the code leaves; the user says yes to all questions."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(20 * "y\n"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "evil.py").write_text(CODE.format(ran=str(tmp_path / "ran")))
    return folder, tmp_path / "ran"


@pytest.fixture
def pruned(trap, make_bert, sublayers):
    """A pruned model in the trap."""
    folder, _ = trap
    model = make_bert()
    structure = Structure("bert", {s.name: tuple(range(1, s.num_units)) for s in sublayers(model)})
    structure.apply(model.base_model, sublayers(model))
    saved_model.save(model, structure, NO_TOKENIZER, folder)
    return folder


def calls(name):
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield f"{file.name}:{node.lineno}", node


@pytest.mark.parametrize("name", ["from_pretrained", "from_config"])
def test_every_call_that_could_run_code_says_that_it_may_not(name):
    found = dict(calls(name))
    assert found
    for where, call in found.items():
        said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert said.get("trust_remote_code") == "False", where


@pytest.mark.parametrize("reader", READERS)
def test_code_of_an_unknown_model_type_is_not_run(reader, trap, pruned):
    edit(pruned / "config.json", model_type="strange", architectures=["Model"], auto_map=FOREIGN)
    with pytest.raises(UserError, match=r"config\.json: model_type 'strange'.*auto_map.*evil.* is never run"):
        READERS[reader](pruned)
    assert not trap[1].exists()


@pytest.mark.parametrize("reader", ["load", "inspect"])
@pytest.mark.parametrize(
    "auto_map",
    [
        *(FOREIGN, "evil.Model", ["evil.Model"], 3, {CLASS: 3}, {CLASS: ["modeling_pruned.Model"]}),
        *({CLASS: f"{code}.Model"} for code in ("evil", "someone/else--modeling_pruned", "../modeling_pruned")),
        *({name: "modeling_pruned.Model"} for name in ("AutoConfig", "AutoTokenizer", "")),
        {"AutoModel": "modeling_pruned.BertModel", CLASS: "evil.Model"},
    ],
)
def test_a_pruned_model_with_a_map_to_other_code_is_refused(reader, auto_map, trap, pruned):
    edit(pruned / "config.json", auto_map=auto_map)
    with pytest.raises(UserError, match=r"config\.json: auto_map names code of others"):
        READERS[reader](pruned)
    assert not trap[1].exists()


@pytest.mark.parametrize("reader", ["load", "inspect"])
def test_the_code_beside_a_pruned_model_is_not_run(reader, trap, pruned):
    (pruned / "modeling_pruned.py").write_text(CODE.format(ran=str(trap[1])))
    READERS[reader](pruned)
    assert not trap[1].exists()


@pytest.mark.parametrize("reader", ["config", "model.path", "model.path, random", "teacher"])
def test_a_known_model_with_code_beside_works_without_it(reader, trap):
    folder, ran = trap
    ARCHITECTURES["bert"].model().save_pretrained(folder)
    edit(folder / "config.json", auto_map=FOREIGN)
    found = READERS[reader](folder)
    assert type(found).__module__.startswith("transformers.models.bert.")
    assert not ran.exists()


@pytest.mark.parametrize("auto_map", [["evil.Tokenizer", None], {"AutoTokenizer": ["evil.Tokenizer", None]}])
def test_a_tokenizers_code_is_not_run(auto_map, trap):
    folder, ran = trap
    for file in (PACKAGE / "demo" / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    edit(folder / "tokenizer_config.json", auto_map=auto_map)
    edit(folder / "config.json", auto_map=FOREIGN)
    assert type(loading.tokenizer(str(folder))).__module__.startswith("transformers.")
    assert not ran.exists()


class _Leaves:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


@pytest.mark.parametrize("reader", ["load", "inspect", "model.path", "teacher"])
@pytest.mark.parametrize("beside", [True, False])
def test_pickles_are_not_read(reader, beside, trap, pruned):
    folder, ran = trap
    if reader in ("model.path", "teacher"):
        ARCHITECTURES["bert"].model().save_pretrained(folder)
    for name in ("pytorch_model.bin", "modeling.bin", "adapter_model.bin", "training_args.bin"):
        (folder / name).write_bytes(pickle.dumps(_Leaves(ran)))
    if beside:
        READERS[reader](folder)
    else:
        (folder / "model.safetensors").unlink()
        with pytest.raises(UserError, match=r"model\.safetensors"):
            READERS[reader](folder)
    assert not ran.exists()
