import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import prune
from prune.compaction import saved_model
from prune.compaction.compact import compact
from prune.errors import UserError
from prune.masking.attach import fold

FIRST, LAST = "encoder.layer.0.attention", "encoder.layer.1.feed_forward"


class Tokenizer:
    """Stands for a tokenizer that is saved beside the model."""

    def save_pretrained(self, folder):
        (folder / "tokenizer.json").write_text("{}")


@pytest.fixture
def compacted(make_bert, mask, sublayers):
    """A compact model without head 2 of the first layer and the heads of the last, and its structure."""
    model = make_bert()
    masks = mask(model, grain="head")
    for scores in masks.parameters():
        scores.data.fill_(9.0)
    masks.banks["attention"].scores[0].data[0, 2] = masks.banks["attention"].scores[0].data[1] = -9.0
    masks.banks["feed_forward"].scores[0].data[1, 4] = -9.0
    masks.advance(1.0)
    fold(model)
    return model, compact(model, sublayers(model))


@pytest.fixture
def folder(compacted, tmp_path):
    """The folder of the compact model."""
    saved_model.save(*compacted, Tokenizer(), tmp_path)
    return tmp_path


def edit_config(folder, change):
    content = json.loads((folder / "config.json").read_text())
    change(content)
    (folder / "config.json").write_text(json.dumps(content))


def edit(folder, change):
    """Changes what config.json says of the structure."""
    edit_config(folder, lambda content: change(content["pruned_structure"]))


def test_loaded_model_gives_equal_logits(compacted, folder, ids):
    loaded = prune.load(folder)
    with torch.no_grad():
        assert loaded(input_ids=ids).logits.equal(compacted[0](input_ids=ids).logits)


def test_loaded_model_has_the_small_matrices_and_is_in_evaluation_mode(folder):
    loaded = prune.load(str(folder))
    first, last = loaded.bert.encoder.layer
    assert first.attention.self.query.weight.shape == (12, 16)
    assert last.attention.self.query.weight.shape == (0, 16)
    assert last.intermediate.dense.weight.shape == (23, 16)
    assert not any(module.training for module in loaded.modules())


def test_saved_structure_names_the_kept_units(folder):
    content = json.loads((folder / "config.json").read_text())["pruned_structure"]
    assert content["version"] == 2
    assert content["kept"][FIRST] == "0-1,3"
    assert content["kept"]["encoder.layer.1.attention"] == ""


def test_tokenizer_is_saved_beside_the_model(folder):
    assert {file.name for file in folder.iterdir()} == {
        *("config.json", "model.safetensors", "modeling_pruned.py", "token_pooling.py", "tokenizer.json")
    }


def test_saving_what_was_loaded_gives_the_same_weights(compacted, folder, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    saved_model.save(prune.load(folder), compacted[1], Tokenizer(), again)
    first, second = (load_file(one / "model.safetensors") for one in (folder, again))
    assert first.keys() == second.keys()
    assert all(first[name].equal(second[name]) for name in first)
    assert (again / "config.json").read_text() == (folder / "config.json").read_text()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loaded_model_has_the_dtype_of_the_weights(dtype, compacted, tmp_path):
    model, structure = compacted
    saved_model.save(model.to(dtype), structure, Tokenizer(), tmp_path)
    assert {parameter.dtype for parameter in prune.load(tmp_path).parameters()} == {dtype}


@pytest.mark.parametrize("kept_bytes", [0, 4, 100, -1])
def test_truncated_weights_are_refused(kept_bytes, folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept_bytes])
    with pytest.raises(UserError, match=r"model\.safetensors cannot be read"):
        prune.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_missing_file_is_named(name, folder):
    (folder / name).unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        prune.load(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        prune.load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", '{"version": 1', "no json"])
def test_a_file_that_is_no_json_is_named(text, folder):
    (folder / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json"):
        prune.load(folder)


@pytest.mark.parametrize("value", [[], {}, None, 3, {"version": 2, "kept": [1]}, {"version": 2}])
def test_a_structure_of_another_form_is_refused(value, folder):
    edit_config(folder, lambda content: content.update(pruned_structure=value))
    with pytest.raises(UserError, match=r"config\.json: pruned_structure"):
        prune.load(folder)


def test_a_model_without_a_structure_is_none_of_ours(folder):
    edit_config(folder, lambda content: content.pop("pruned_structure"))
    with pytest.raises(UserError, match=r"config\.json has no pruned_structure: it is not that of a pruned model"):
        prune.load(folder)


@pytest.mark.parametrize("config", ["[]", "3", "null", "{}"])
def test_a_config_of_another_form_is_refused(config, folder):
    (folder / "config.json").write_text(config)
    with pytest.raises(UserError):
        prune.load(folder)


def test_a_structure_of_another_version_is_refused(folder):
    edit(folder, lambda content: content.update(version=3))
    with pytest.raises(UserError, match="version 3; this package reads version 2"):
        prune.load(folder)


def test_a_unit_too_many_is_refused(folder):
    edit(folder, lambda content: content["kept"].update({FIRST: "0-3"}))
    with pytest.raises(UserError, match="config.json: pruned_structure and pruned_shape of config.json tell of differ"):
        prune.load(folder)


def test_a_unit_too_few_is_refused(folder):
    edit(folder, lambda content: content["kept"].update({LAST: "5-23"}))
    with pytest.raises(UserError, match="tell of different layers"):
        prune.load(folder)
    edit_config(folder, lambda content: content.pop("pruned_shape"))
    with pytest.raises(UserError, match=r"does not fit config\.json"):
        prune.load(folder)


@pytest.mark.parametrize("units", ["0-1,4", "0-99", "999999999", "0-999999999", [0, 1, -1], ["a"], [None], 3, None])
def test_units_that_do_not_exist_are_refused(units, folder):
    edit(folder, lambda content: content["kept"].update({FIRST: units}))
    with pytest.raises(UserError, match="config.json: pruned_structure: "):
        prune.load(folder)


@pytest.mark.parametrize(
    "units", [[0, 1, 1], [0, 1, 3.5], "0,1,1", "0-2,2", "3-0", "0-", "-1", "0, 1", ",", "0,", "\u0663"]
)
def test_units_that_are_no_rising_numbers_are_refused(units, folder):
    edit(folder, lambda content: content["kept"].update({FIRST: units}))
    with pytest.raises(UserError, match=f"pruned_structure: kept: {FIRST}: .* are no rising numbers from 0"):
        prune.load(folder)


@pytest.mark.parametrize(
    "depth",
    [
        {"layers": {"encoder.layer.*": "0"}},
        {"layers": {"encoder.layer.*": "3,1"}},
        {"layers": [0, 1]},
        {"layers": {"encoder.layer.*": "0,3"}, "dense": {"num_hidden_layers": "four"}},
    ],
)
def test_layers_that_cannot_be_those_of_the_dense_model_are_refused(depth, folder):
    edit(folder, lambda content: content.update(depth))
    with pytest.raises(UserError, match="config.json: pruned_structure: "):
        prune.load(folder)


def test_a_structure_of_another_family_is_refused(folder):
    edit(folder, lambda content: content.update(model_type="roberta"))
    with pytest.raises(UserError, match="config.json: pruned_structure: "):
        prune.load(folder)


def test_an_unknown_sublayer_is_refused(folder):
    edit(folder, lambda content: content["kept"].update({"encoder.layer.2.attention": "0"}))
    with pytest.raises(UserError, match="names other sublayers than the model has"):
        prune.load(folder)


def test_a_sublayer_that_is_not_named_is_refused(folder):
    edit(folder, lambda content: content["kept"].pop(FIRST))
    with pytest.raises(UserError, match="names other sublayers than the model has"):
        prune.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", 3),
        ("num_hidden_layers", 1),
        ("hidden_size", 32),
        ("intermediate_size", 23),
        ("num_attention_heads", 8),
        ("num_attention_heads", 5),
        ("vocab_size", 51),
        ("model_type", "unheard_of"),
        ("model_type", "gpt2"),
        ("architectures", ["AutoConfig"]),
    ],
)
def test_a_config_that_does_not_fit_is_refused(key, value, folder):
    edit_config(folder, lambda content: content.update({key: value}))
    with pytest.raises(UserError):
        prune.load(folder)


def test_a_file_that_is_no_text_is_named(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"config\.json"):
        prune.load(folder)


@pytest.mark.parametrize("architecture", ["NoSuchModel", "", None])
def test_a_class_that_transformers_does_not_have_is_named(architecture, folder):
    named = [architecture] if architecture is not None else None
    edit_config(folder, lambda content: content.update(architectures=named))
    with pytest.raises(UserError, match="has no model"):
        prune.load(folder)


def test_weights_without_a_tensor_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.bias"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"missing \['classifier.bias'\]"):
        prune.load(folder)


def test_weights_with_an_unknown_tensor_are_refused(folder):
    weights = load_file(folder / "model.safetensors") | {"stranger": torch.zeros(1)}
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"not known \['stranger'\]"):
        prune.load(folder)
