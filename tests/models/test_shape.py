"""The shape that a run gives a model from scratch: it reaches the model, its name and its folder, or is refused."""

import pytest

from prune.config.schema import ModelConfig
from prune.errors import UserError
from prune.measure.size import num_parameters
from prune.models import loading
from prune.models.architecture import sublayers_of
from prune.results.layout import run_folder
from tests.architectures import ARCHITECTURES
from tests.composing import composed
from tests.config.test_schema import DEMO, problems

CLASS = "AutoModelForSequenceClassification"
SHAPE = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48}
WORDS = tuple(f"model.shape.{key}={value}" for key, value in SHAPE.items())


def test_the_parameters_of_a_bert_by_hand():
    config = composed(*DEMO, *WORDS).model
    model = loading.random_model(config, CLASS, {"num_labels": 2})
    embeddings = (53 + 64 + 2) * 32 + 2 * 32
    layer = 4 * (32 * 32 + 32) + 2 * 32 * 48 + 48 + 32 + 2 * 2 * 32
    assert num_parameters(model) == embeddings + 2 * layer + (32 * 32 + 32) + (2 * 32 + 2)
    assert [s.num_units for s in sublayers_of(model)] == [4, 48] * 2


def test_common_names_stand_for_an_architectures_own(tmp_path):
    ARCHITECTURES["gpt2"].model().config.save_pretrained(tmp_path)
    config = loading.config_of_run(ModelConfig(path=str(tmp_path), shape={"hidden_size": 24, "n_head": 3}))
    assert (config.n_embd, config.n_head) == (24, 3)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_shape_of_no_change_changes_nothing(name, tmp_path):
    config = ARCHITECTURES[name].model().config
    config.save_pretrained(tmp_path)
    shape = {"num_hidden_layers": config.num_hidden_layers}
    found = loading.config_of_run(ModelConfig(path=str(tmp_path), shape=shape))
    assert found.to_dict() == loading.config_of(str(tmp_path)).to_dict()


def test_the_name_and_the_folder_tell_the_shape_unless_the_user_names_the_model():
    config = composed(*DEMO, *WORDS)
    assert config.model.name == "demo_L2_H32_A4_I48"
    assert composed(*DEMO, *WORDS, "model.name=mine").model.name == "mine"
    assert composed(*DEMO, "model.shape.hidden_dropout_prob=0.1").model.name == "demo_hidden_dropout_prob_0.1"
    assert composed(*DEMO).model.name == "demo"
    folders = {run_folder(composed(*DEMO, f"model.shape.hidden_size={n}", "model.name=mine")).path for n in (32, 64)}
    assert len(folders) == 2


def test_a_name_that_tells_the_shape_is_read_again_as_it_is():
    model = ModelConfig(name="demo", path="pkg://demo/model", shape=SHAPE)
    assert ModelConfig(name=model.name, path=model.path, shape=SHAPE).name == model.name


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hidden_size=30", "model.shape: hidden_size=30 is no multiple of num_attention_heads=4"),
        ("num_attention_heads=3", "model.shape: hidden_size=128 is no multiple of num_attention_heads=3"),
        ("num_hiden_layers=2", "model.shape.num_hiden_layers: a bert has no such setting (did you mean 'num_hidden_"),
        ("num_hidden_layers=0", "model.shape.num_hidden_layers=0: must be a whole number above 0"),
        ("num_hidden_layers=1.5", "model.shape.num_hidden_layers=1.5: must be a whole number above 0"),
        ("intermediate_size=wide", "model.shape.intermediate_size=wide: must be a whole number above 0"),
        ("num_hidden_layers=true", "model.shape.num_hidden_layers=True: must be a whole number above 0"),
        ("num_hidden_layers=9999999", "model.shape: num_hidden_layers=9999999: at most"),
        ("hidden_act=nonsense", "model.shape: "),
        ("hidden_dropout_prob=-1", "model.shape.hidden_dropout_prob=-1: must be a number of at least 0"),
        ("vocab_size=10", "model.shape.vocab_size: follows from the tokenizer; leave it out"),
        ("pad_token_id=1", "model.shape.pad_token_id: follows from the tokenizer; leave it out"),
        ("_attn_implementation=a", "model.shape._attn_implementation: a bert has no such setting"),
        ("max_position_embeddings=40", "model.shape.max_position_embeddings=40: must be at least task.max_length=48"),
    ],
)  # fmt: skip
def test_what_no_model_can_be_is_refused_by_name(word, said):
    (problem,) = problems(*DEMO, f"model.shape.{word}")
    assert problem.startswith(said)


def test_pretrained_weights_keep_their_shape():
    (problem,) = problems("task=demo", "model=bert_base", "model.shape.hidden_size=64")
    assert problem.startswith("model.shape.hidden_size=64: pretrained weights have a shape of their own; say model.pre")


def test_a_model_on_the_hub_is_refused_as_one_that_is_here(tmp_path):
    ARCHITECTURES["bert"].model().config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"model\.shape\.depth: a bert has no such setting"):
        loading.config_of_run(ModelConfig(path=str(tmp_path), shape={"depth": 3}))
