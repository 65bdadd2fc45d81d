"""A pruned model's folder with odd values in its files: one clear error in little time, or the model that it is."""

import json
import os
import shutil
import time
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

import prune
from prune.compaction import saved_model
from prune.compaction.depth import depth_of, shallower
from prune.compaction.structure import Structure
from prune.errors import UserError
from prune.measure.size import num_parameters
from prune.models.architecture import skeleton, sublayers_of
from prune.report.inspection import inspect
from prune.report.terminal.inspection import draw_inspection
from prune.results.layout import ORIGIN
from tests.architectures import ARCHITECTURES, NO_TOKENIZER
from tests.hostile import FEW, NO_JSON, ODD, edit, put

SECONDS = 60.0
"""At most, on a busy machine; what is built as the files say takes far longer, or the memory."""
ORIGIN_CONTENT = {
    "pruned from": "some/bert", "task": "sst2", "method": "hybrid, penalty 20", "seed": 1, "metric": "accuracy",
    "value": 0.8, "dense_value": 0.9, "num_examples": {"train": 10}, "speedup": 2.0, "measured": "an abacus",
}  # fmt: skip
SHOWN = {*ORIGIN_CONTENT} - {"num_examples"}
CONFIG = ARCHITECTURES["bert"].model().config.to_dict()
NAMED = (
    "attn_implementation", "_attn_implementation", "dtype", "torch_dtype", "quantization_config", "attribute_map",
    "to_dict", "__class__", "num_labels", "per_layer_config", "get_text_config", "rope_scaling", "base_model_tp_plan",
    "use_return_dict", "auto_map", "label2id", "pruned_shape", "pruned_structure",
    "transformers_weights", "configuration_files",
)  # fmt: skip
"""Keys that mean something to transformers, beside those that every config has."""
SIZES = [
    "num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size", "type_vocab_size",
    "max_position_embeddings", "num_labels",
]  # fmt: skip
"""The width of feed-forward layers may be any: that of the dense model is not known from the pruned one's weights."""
VALUES = [pytest.param(FEW, id="few"), pytest.param(ODD, id="all", marks=pytest.mark.slow)]
KEYS = sorted({*CONFIG, *NAMED})
SHARES = 3
"""Keys of config.json take turns in the quick suite: one in so many gets the first of the few values, and so on."""
TURNS = [
    *((key, dict(list(FEW.items())[place % SHARES :: SHARES])) for place, key in enumerate(KEYS)),
    *(pytest.param(key, ODD, marks=pytest.mark.slow) for key in KEYS),
]


def write(name, folder, share=1.0):
    """A pruned model that has lost a unit of every sublayer, and layers."""
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    depth = depth_of(model.config, share)
    model = shallower(model, depth)
    sublayers = sublayers_of(skeleton(model.config))
    kept = {s.name: tuple(range(1, s.num_units)) for s in sublayers}
    structure = Structure(model.config.model_type, kept, depth)
    structure.apply(model.base_model, sublayers)
    saved_model.save(model, structure, NO_TOKENIZER, folder)
    (folder / ORIGIN).write_text(json.dumps(ORIGIN_CONTENT))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    write("bert", folder, share=0.5)
    return folder


@pytest.fixture
def folder(template, tmp_path):
    shutil.copytree(template, tmp_path / "model")
    return tmp_path / "model"


def edit_structure(folder, **values):
    """Sets values of the structure in config.json."""
    structure = json.loads((folder / "config.json").read_text())["pruned_structure"]
    edit(folder / "config.json", pruned_structure=structure | values)


def outcome(folder):
    """What `prune inspect` finds; or the error, which is one of the user's."""
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = inspect(folder)
            draw_inspection(found)
    except UserError as error:
        assert len(str(error)) < 1000, error
        found = error
    assert time.monotonic() - start < SECONDS
    return found


def test_the_folder_is_read_as_it_is(folder):
    assert outcome(folder).origin == ORIGIN_CONTENT


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_pruned_model_of_every_architecture_is_read(name, tmp_path):
    write(name, tmp_path)
    assert inspect(tmp_path).params == num_parameters(prune.load(tmp_path))


@pytest.mark.parametrize("name", ["config.json", ORIGIN])
@pytest.mark.parametrize("content", NO_JSON)
def test_a_file_that_holds_no_mapping_is_named(name, content, folder):
    (folder / name).write_bytes(NO_JSON[content])
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        inspect(folder)


@pytest.mark.parametrize("name", ["config.json", ORIGIN, "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "endless"])
def test_what_is_no_file_is_not_read(name, kind, folder):
    (folder / name).unlink()
    {"pipe": os.mkfifo, "folder": os.mkdir, "endless": lambda path: path.symlink_to("/dev/zero")}[kind](folder / name)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        inspect(folder)


@pytest.mark.parametrize(("key", "values"), TURNS)
def test_odd_values_of_config_json_are_errors_of_the_user_or_change_no_size(key, values, folder):
    sizes = inspect(folder).params
    original = (folder / "config.json").read_bytes()
    for text in values.values():
        put(folder / "config.json", key, text)
        found = outcome(folder)
        assert isinstance(found, UserError) or found.params == sizes
        assert not isinstance(found, UserError) or str(folder) in str(found)
        (folder / "config.json").write_bytes(original)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("key", ["version", "model_type", "kept", "layers", "dense", "first_token_only", "stranger"])
def test_odd_values_of_the_structure_are_errors_that_name_it(key, values, folder):
    original = (folder / "config.json").read_bytes()
    for text in set(values.values()) - {"true" if key == "first_token_only" else ""}:
        edit_structure(folder, **{key: "@@"})
        file = folder / "config.json"
        file.write_text(file.read_text().replace('"@@"', text))
        assert "config.json" in str(outcome(folder)), text
        file.write_bytes(original)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("key", sorted(SHOWN))
def test_odd_values_of_pruning_json_are_errors_that_name_it_or_are_shown(key, values, folder):
    fit = {"negative", "zero", "a million", "a billion"} if type(ORIGIN_CONTENT[key]) is not str else {
        "a long text", "a path", "NUL", "half a character", "an escape"
    }  # fmt: skip
    for name, text in values.items():
        put(folder / ORIGIN, key, text)
        found = outcome(folder)
        assert isinstance(found, UserError) != (name in fit), name
        assert name in fit or ORIGIN in str(found)
        (folder / ORIGIN).write_text(json.dumps(ORIGIN_CONTENT))


@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize("value", [10**5, 10**7, 10**9, 10**30])
def test_sizes_that_the_weights_do_not_bear_out_are_refused_before_anything_is_built(key, value, folder):
    edit(folder / "config.json", **{key: value})
    assert isinstance(outcome(folder), UserError)


@pytest.mark.parametrize(
    "name",
    [
        *("modernbert", "t5", "albert"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilebert", "deberta_v2", "gpt2_writer")),
    ],
)
def test_sizes_of_other_families_are_refused_or_change_nothing(name, tmp_path):
    write(name, tmp_path)
    params = outcome(tmp_path).params
    original = (tmp_path / "config.json").read_bytes()
    config = json.loads(original)
    for key in (key for key, value in config.items() if type(value) is int):
        edit(tmp_path / "config.json", **{key: 10**6})
        assert isinstance(found := outcome(tmp_path), UserError) or found.params == params
        (tmp_path / "config.json").write_bytes(original)


def test_memory_is_taken_for_the_weights_that_are_there_and_not_for_the_dense_model(make_bert, sublayers, tmp_path):
    model = make_bert(intermediate_size=2**18)
    kept = {s.name: tuple(range(s.num_units if s.site == "attention" else 1)) for s in sublayers(model)}
    structure = Structure("bert", kept)
    structure.apply(model.base_model, sublayers(model))
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    largest = max(file.stat().st_size for file in tmp_path.iterdir())
    allocated = []
    real = torch.empty_like

    def counting(values, *args, **kwargs):
        found = real(values, *args, **kwargs)
        allocated.append(0 if found.is_meta else found.nbytes)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "empty_like", counting)
        loaded = prune.load(tmp_path)
    assert 0 < sum(allocated) < 2 * largest
    assert num_parameters(loaded) * 4 < largest


def test_loading_draws_nothing_from_the_global_generator(folder):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    prune.load(folder)
    assert torch.rand(1).equal(expected)


@pytest.mark.parametrize(
    "dense",
    [
        {"__class__": 3},
        {"num_hidden_layers": 3, "__class__": 3},
        {"num_hidden_layers": 3, "vocab_size": 9},
        {"num_hidden_layers": 2},
        {"num_hidden_layers": 0},
        {"num_hidden_layers": -3},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": ["full_attention"]},
        {"hidden_size": 3},
        {},
    ],
)
def test_a_dense_model_of_which_other_things_are_said_than_its_layers_is_refused(dense, folder):
    edit_structure(folder, dense=dense)
    with pytest.raises(UserError, match="config.json: pruned_structure|more layers"):
        inspect(folder)


@pytest.mark.parametrize("kinds", [["full_attention"], ["sliding_attention"] * 3, ["full_attention", 3], [], 3])
def test_kinds_of_layers_that_are_not_the_dense_models_are_refused(kinds, tmp_path):
    write("modernbert", tmp_path, share=0.5)
    inspect(tmp_path)
    dense = json.loads((tmp_path / "config.json").read_text())["pruned_structure"]["dense"]
    edit_structure(tmp_path, dense=dense | {"layer_types": kinds})
    with pytest.raises(UserError, match="config.json: pruned_structure"):
        inspect(tmp_path)


@pytest.mark.parametrize("layers", [{"encoder.layer.*": ""}, {"encoder.layer.*": "0"}, {"stranger.*": "0,2"}])
def test_layers_of_the_dense_model_that_cannot_be_are_refused(layers, folder):
    edit_structure(folder, layers=layers)
    with pytest.raises(UserError, match="config.json: pruned_structure"):
        inspect(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["bert.embeddings.word_embeddings.weight", "classifier.bias"])
def test_weights_that_are_no_numbers_are_named(value, name, folder):
    weights = load_file(folder / "model.safetensors")
    weights[name] = weights[name].clone().fill_(value)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match=rf"model\.safetensors: {name} holds values that are no numbers"):
        prune.load(folder)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float8_e4m3fn, torch.complex64])
def test_weights_in_a_format_that_cannot_be_computed_in_are_refused(dtype, folder):
    weights = load_file(folder / "model.safetensors")
    save_file({name: values.to(dtype) for name, values in weights.items()}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"model\.safetensors.* is stored as"):
        prune.load(folder)


def test_weights_in_several_formats_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"classifier.bias": weights["classifier.bias"].half()}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"not float16 or float32"):
        prune.load(folder)


@pytest.mark.parametrize("key", ["max_length", "eos_token_id", "cache_implementation", "to_dict", "stranger"])
def test_odd_settings_of_writing_are_errors_of_the_user_or_unread(key, tmp_path):
    write("gpt2_writer", tmp_path)
    params = outcome(tmp_path).params
    original = (tmp_path / "generation_config.json").read_bytes()
    for text in FEW.values():
        put(tmp_path / "generation_config.json", key, text)
        assert isinstance(found := outcome(tmp_path), UserError) or found.params == params
        (tmp_path / "generation_config.json").write_bytes(original)
