"""config.json says which model it is; what would have transformers load or run anything else is refused by its key."""

import json

import pytest
from transformers import AutoConfig

from prune.errors import UserError
from prune.models.config_json import config_from
from tests.architectures import ARCHITECTURES
from tests.hostile import ODD

BERT = {"model_type": "bert", "hidden_size": 16, "num_attention_heads": 4}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_config_that_transformers_saves_is_read_as_it_reads_it(name, tmp_path):
    config = ARCHITECTURES[name].model().config
    config.save_pretrained(tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    found = config_from(content, "config.json", str(tmp_path))
    assert found.to_dict() == AutoConfig.from_pretrained(str(tmp_path)).to_dict()
    assert found.name_or_path == str(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attn_implementation", "kernels-community/flash-attn2"),
        ("_attn_implementation", "kernels-community/flash-attn2"),
        ("_attn_implementation_internal", "someone/else@main:f"),
        ("attn_implementation", "flash_attention_2"),
        ("attn_implementation", {"": "someone/else"}),
        ("experts_implementation", "someone/else"),
        ("quantization_config", {"quant_method": "bitsandbytes"}),
        ("configuration_files", ["config.4.0.0.json"]),
        ("transformers_weights", "../other.safetensors"),
        ("per_layer_config", {"0": {"hidden_size": 3}}),
        ("distributed_config", {}),
        ("fusion_config", {"a": True}),
        ("dtype", "os.system"),
        ("torch_dtype", "load"),
        ("dtype", "int8"),
        ("to_dict", 3),
        ("__class__", 3),
        ("__init__", None),
        ("attribute_map", {"hidden_size": "vocab_size"}),
        ("from_pretrained", "x"),
        ("_auto_class", "x"),
        ("num_labels", 10**6),
        ("vocab_size", 10**9),
        ("num_hidden_layers", 10**7),
        ("n_head", -1),
    ],
)
def test_what_leads_elsewhere_is_refused_by_name(key, value):
    with pytest.raises(UserError, match=rf"^here: .*{key}"):
        config_from(BERT | {key: value}, "here", "")


@pytest.mark.parametrize("key", ["quantization_config", "attn_implementation", "dtype"])
def test_it_is_refused_in_nested_mappings_too(key):
    with pytest.raises(UserError, match=key):
        config_from(BERT | {"text_config": {"deeper": {key: "x"}}}, "here", "")


@pytest.mark.parametrize(
    ("key", "value"),
    [("attn_implementation", "sdpa"), ("_attn_implementation", "eager"), ("dtype", "bfloat16"), ("torch_dtype", None),
     ("quantization_config", None), ("auto_map", {"AutoModel": "evil.Model"}), ("num_labels", 3)],
)  # fmt: skip
def test_what_leads_nowhere_is_read(key, value):
    assert config_from(BERT | {key: value}, "here", "").hidden_size == 16


@pytest.mark.parametrize("kind", [json.loads(ODD[name]) for name in ("null", "zero", "a long text", "[]", "lists")])
def test_a_model_type_that_is_none_is_named(kind):
    with pytest.raises(UserError, match=r"^here: model_type .* knows no such model$"):
        config_from({"model_type": kind}, "here", "")


def test_settings_replace_values():
    found = config_from(BERT | {"pad_token_id": 0}, "here", "", {"pad_token_id": 7, "id2label": {0: "a"}})
    assert (found.pad_token_id, found.num_labels) == (7, 1)
