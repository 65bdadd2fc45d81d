"""The file that travels with a pruned model: a bias that layers share, layers without heads, loading anywhere."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from prune.compaction import saved_model
from prune.compaction.modeling_pruned import take_shape
from prune.compaction.structure import Structure
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs

T5 = ARCHITECTURES["t5"]
FIRST, SECOND = (f"encoder.block.{index}.layer.0.SelfAttention" for index in range(2))


def compacted(kept, seed=0):
    """T5 models with the lost heads zeroed, and removed."""
    zeroed, model = T5.model(seed), T5.model(seed)
    sublayers = sublayers_of(model)
    whole = {s.name: tuple(range(s.num_units)) for s in sublayers}
    for sublayer in sublayers:
        weight = sublayer.matrices[-1].weight(zeroed)
        gone = sorted(set(whole[sublayer.name]) - set(kept.get(sublayer.name, whole[sublayer.name])))
        weight.data.view(len(weight), sublayer.num_units, -1)[:, gone] = 0
    Structure("t5", whole | kept).apply(model, sublayers)
    return zeroed, model


def bias_in(model, attention):
    """The bias with which an attention of `model` computes, and the one that it hands on."""
    seen = {}
    module = model.get_submodule(attention)
    module.register_forward_hook(lambda _m, _args, outputs: seen.update(on=outputs[1]))
    module.register_forward_pre_hook(
        lambda _m, _args, kwargs: seen.update(own=kwargs["position_bias"]), with_kwargs=True
    )
    with torch.no_grad():
        model(**inputs(T5))
    return seen["own"], seen["on"]


def test_each_layer_takes_its_heads_part_and_hands_on_the_whole():
    zeroed, model = compacted({"encoder.block.0.attention": (1, 3), "encoder.block.1.attention": (0,)})
    _, whole = bias_in(zeroed, FIRST)
    own, on = bias_in(model, FIRST)
    assert own.equal(whole[:, [1, 3]])
    assert on.equal(whole)
    own, on = bias_in(model, SECOND)
    assert own.equal(whole[:, [0]])
    assert on.equal(whole)


def test_without_a_table_nothing_is_computed():
    _, model = compacted({"decoder.block.0.cross_attention": (2,), "decoder.block.1.cross_attention": (0, 3)})
    for index in range(2):
        assert bias_in(model, f"decoder.block.{index}.layer.1.EncDecAttention") == (None, None)


@pytest.mark.parametrize("first", [(), (1,), (0, 1, 2, 3)])
def test_the_table_stays_whole_and_gets_the_same_gradient(first):
    zeroed, model = compacted({"encoder.block.0.attention": first, "encoder.block.1.attention": (0, 2)})
    for one in (zeroed, model):
        one(**inputs(T5)).logits.pow(2).mean().backward()
    expected, found = (one.get_submodule(FIRST).relative_attention_bias.weight.grad for one in (zeroed, model))
    assert found.shape == (8, 4)
    assert found.abs().max() > 0
    torch.testing.assert_close(found, expected)


def test_nothing_is_saved_but_smaller_weights():
    zeroed, model = compacted({"encoder.block.0.attention": (1, 3)})
    assert set(model.state_dict()) == set(zeroed.state_dict())


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
for folder, auto_class in json.loads(sys.argv[1]).items():
    model = getattr(transformers, auto_class).from_pretrained(folder, trust_remote_code=True).eval()
    batch = torch.load(f"{folder}/batch.pt", weights_only=True)
    with torch.no_grad():
        outputs = model(**batch["inputs"])
        assert all(outputs[name].equal(values) for name, values in batch["outputs"].items()), folder
    print(type(model).__name__)
"""
)


QUESTIONS = {
    name: replace(one, model_class=one.model_class.replace("SequenceClassification", "QuestionAnswering"))
    for name, one in ARCHITECTURES.items()
    if not one.writes
}


def save_pruned(architecture, auto_class, folder):
    """A model with half of its units, and every third sublayer without any; with what it gives for a batch."""
    model, batch = architecture.model(), inputs(architecture)
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) if number % 3 else () for number, s in enumerate(sublayers)}
    structure = Structure(model.config.model_type, kept)
    structure.apply(model.base_model, sublayers)
    saved_model.save(model, structure, NO_TOKENIZER, folder, auto_class)
    with torch.no_grad():
        outputs = model(**batch)
    found = {name: outputs[name] for name in ("logits", "start_logits", "end_logits") if name in outputs}
    torch.save({"inputs": batch, "outputs": found}, folder / "batch.pt")


def test_every_architecture_loads_with_every_head_where_this_package_is_not_installed(tmp_path):
    cases = {name: (one, one.auto_class) for name, one in ARCHITECTURES.items()}
    cases |= {f"{name}_answers": (one, "AutoModelForQuestionAnswering") for name, one in QUESTIONS.items()}
    for name, (architecture, auto_class) in cases.items():
        save_pruned(architecture, auto_class, tmp_path / name)
    folders = {str(tmp_path / name): auto_class for name, (_, auto_class) in cases.items()}
    done = subprocess.run(
        [sys.executable, "-c", LOADING, json.dumps(folders)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"Pruned{one.model_class}" for one, _ in cases.values()]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoder.layer.0.attention.self.forward", 3),
        ("encoder.layer.0.attention.self.training", 3),
        ("encoder.layer.0.attention.self.query", 3),
        ("encoder.layer.0.attention.self.stranger", 3),
        ("encoder.layer.0.attention.self.__class__", 3),
        ("encoder.layer.0.attention.self.num_attention_heads", "3"),
        ("encoder.layer.0.attention.self.num_attention_heads", True),
        ("encoder.layer.0.attention.self.num_attention_heads", None),
        ("config", 3),
    ],
)
def test_a_shape_sets_numbers_that_the_model_counts_with_and_nothing_else(name, value):
    base = ARCHITECTURES["bert"].model().base_model
    with pytest.raises(ValueError, match="is no count of the model"):
        take_shape(base, [{"counts": {name: value}}])
