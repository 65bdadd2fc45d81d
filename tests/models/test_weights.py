"""Weights that are cut, gone, of another shape or no numbers are named; none is random where it should be trained."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from prune.config.schema import ModelConfig
from prune.errors import UserError
from prune.models import loading
from tests.architectures import ARCHITECTURES
from tests.hostile import edit

CLASS = "AutoModelForSequenceClassification"
READERS = {
    "teacher": lambda folder: loading.finished_model(str(folder), CLASS, option="teacher"),
    "model.path": lambda folder: loading.fresh_model(str(folder), CLASS, {}),
}
EMBEDDINGS, LINEAR = "bert.embeddings.word_embeddings.weight", "bert.encoder.layer.1.attention.self.query.weight"
FILE, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture(params=READERS)
def option(request):
    return request.param


@pytest.fixture
def folder(tmp_path):
    ARCHITECTURES["bert"].model().save_pretrained(tmp_path)
    return tmp_path


def change(folder, **tensors):
    """Replaces tensors; None leaves one out."""
    weights = {name: values.clone() for name, values in load_file(folder / FILE).items()} | tensors
    left = {name: values for name, values in weights.items() if values is not None}
    save_file(left, folder / FILE, metadata={"format": "pt"})


def refused(option, folder):
    with pytest.raises(UserError) as error:
        READERS[option](folder)
    assert str(folder) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kept_bytes", [0, 4, 8, 100, 20_000, -1])
def test_cut_weights_are_named(kept_bytes, option, folder):
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:kept_bytes])
    assert f"{FILE} cannot be read" in refused(option, folder)


@pytest.mark.parametrize("content", [b"\xff" * 100, (2**40).to_bytes(8, "little") + b"{}", b"\x02" + 7 * b"\0" + b"[]"])
def test_a_header_that_is_none_is_named(content, option, folder):
    (folder / FILE).write_bytes(content)
    assert f"{FILE} cannot be read" in refused(option, folder)


@pytest.mark.parametrize("name", [EMBEDDINGS, LINEAR])
@pytest.mark.parametrize("shape", [(), (0, 16), (16,), (17, 16), (16, 16, 1)])
def test_a_tensor_of_another_shape_is_named_with_the_option(shape, name, option, folder):
    change(folder, **{name: torch.zeros(shape)})
    assert refused(option, folder).startswith(f"{option}={folder}: {name} is ")


@pytest.mark.parametrize("name", [EMBEDDINGS, LINEAR, LINEAR.replace("weight", "bias")])
def test_a_tensor_that_is_not_there_is_named_and_never_random(name, option, folder):
    change(folder, **{name: None})
    assert refused(option, folder).startswith(f"{option}={folder}: its weights lack {name} ")


@pytest.mark.parametrize("name", [EMBEDDINGS, LINEAR, "classifier.weight"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_tensor_that_is_no_numbers_is_named(value, name, option, folder):
    change(folder, **{name: load_file(folder / FILE)[name] * 0 + value})
    assert f"{name} holds values that are no numbers" in refused(option, folder)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8, torch.float8_e5m2, torch.complex64])
def test_a_tensor_in_a_format_that_is_not_read_is_named(dtype, option, folder):
    change(folder, **{LINEAR: load_file(folder / FILE)[LINEAR].to(dtype)})
    assert f"'{LINEAR}' is stored as" in refused(option, folder)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_base_model_has_all_that_a_fresh_model_needs(name, tmp_path):
    """Whatever head the task has; a finished model needs its head."""
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    model.base_model.save_pretrained(tmp_path)
    found = loading.fresh_model(str(tmp_path), architecture.auto_class, {})
    assert all(found.base_model.get_parameter(n).equal(p) for n, p in model.base_model.named_parameters())
    if architecture.auto_class == CLASS:
        with pytest.raises(UserError, match="its weights lack"):
            loading.finished_model(str(tmp_path), architecture.auto_class, option="teacher")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_finished_model_has_the_weights_that_were_saved(name, tmp_path):
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    model.save_pretrained(tmp_path)
    found = loading.finished_model(str(tmp_path), architecture.auto_class, option="teacher")
    assert all(found.get_parameter(n).equal(p) for n, p in model.named_parameters())


def test_a_head_for_another_number_of_labels_is_named(folder):
    with pytest.raises(UserError, match=r"^model\.path=.*classifier\.\w+ is .* there; the model needs 3"):
        loading.fresh_model(str(folder), CLASS, {"id2label": {0: "a", 1: "b", 2: "c"}})


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_layers_that_config_json_does_not_count_are_not_left_out(layers, option, folder):
    edit(folder / "config.json", num_hidden_layers=layers)
    assert f"bert.encoder.layer.{layers}." in refused(option, folder)


@pytest.fixture
def parted(folder):
    """The weights in two files."""
    weights = {name: values.clone() for name, values in load_file(folder / FILE).items()}
    (folder / FILE).unlink()
    names = sorted(weights)
    files = {name: f"part-{index % 2}.safetensors" for index, name in enumerate(names)}
    for file in set(files.values()):
        save_file({n: weights[n] for n in names if files[n] == file}, folder / file, metadata={"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return folder


def test_weights_in_several_files_are_read(option, parted):
    found = READERS[option](parted)
    stored = {n: values for file in sorted(parted.glob("part-*")) for n, values in load_file(file).items()}
    assert all(found.get_parameter(n).equal(stored[n]) for n in (EMBEDDINGS, LINEAR))


@pytest.mark.parametrize("name", ["part-0.safetensors", "part-1.safetensors"])
def test_a_cut_file_of_several_is_named(name, option, parted):
    (parted / name).write_bytes((parted / name).read_bytes()[:-1])
    assert f"{name} cannot be read" in refused(option, parted)


@pytest.mark.parametrize(
    "name",
    ["../x.safetensors", "../../x.safetensors", "/x.safetensors", "a/x.safetensors", "x.bin", "x", "", ".", 3, None, [],
     "gone.safetensors", "a\0.safetensors", "x.safetensors/"],
)  # fmt: skip
def test_an_index_that_leads_elsewhere_is_named(name, option, parted):
    index = json.loads((parted / INDEX).read_text())
    index["weight_map"][LINEAR] = name
    (parted / INDEX).write_text(json.dumps(index))
    assert INDEX in (said := refused(option, parted)) or "gone.safetensors cannot be read" in said


@pytest.mark.parametrize(
    "content",
    [{}, {"metadata": {}}, {"weight_map": []}, {"weight_map": {"a": "part-0.safetensors"}},
     {"metadata": 3, "weight_map": {"a": "part-0.safetensors"}}],
)  # fmt: skip
def test_an_index_of_another_form_is_named(content, option, parted):
    (parted / INDEX).write_text(json.dumps(content))
    assert INDEX in refused(option, parted)


def test_an_adapter_is_not_taken_for_a_model(option, folder):
    (folder / "adapter_config.json").write_text("{}")
    assert "holds an adapter" in refused(option, folder)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory")])
def test_a_lack_of_memory_is_not_blamed_on_the_folder(error, option, folder, monkeypatch):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("transformers.PreTrainedModel.from_pretrained", fail)
    with pytest.raises(type(error)):
        READERS[option](folder)


@pytest.mark.parametrize("key", ["hidden_size", "num_attention_heads", "hidden_act", "id2label", "initializer_range"])
@pytest.mark.parametrize("value", [-1, 10**9, "x", [[1]], {"a": 1}])
def test_a_config_that_makes_no_sense_is_named(value, key, option, folder):
    edit(folder / "config.json", **{key: value})
    refused(option, folder)
    with pytest.raises(UserError, match=str(folder)):
        loading.random_model(ModelConfig(path=str(folder)), CLASS, {})


@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "intermediate_size", "num_attention_heads"])
def test_a_model_of_no_numbers_is_refused(key, folder):
    edit(folder / "config.json", **{key: 0})
    with pytest.raises(UserError, match=str(folder)):
        loading.random_model(ModelConfig(path=str(folder)), CLASS, {})
