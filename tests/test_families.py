"""What every family promises, on a tiny model of each of its architectures."""

from pathlib import Path

import pytest
import torch
import yaml
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from torch import nn

import prune
from prune import discovery
from prune.config import MethodConfig
from prune.errors import UserError
from prune.families.bert import FAMILY as BERT
from prune.families.t5 import FAMILY as T5
from prune.masking.attach import fold
from prune.masking.linear import MaskedLinear
from prune.measure.size import num_left, num_parameters
from prune.shrink import reload
from prune.shrink.compact import compact, largest_difference
from prune.shrink.structure import Structure
from prune.sublayers import SITES, sublayers_of
from tests.architectures import ARCHITECTURES, inputs

FAMILIES = discovery.names("families")
METHODS = sorted((Path(__file__).parents[1] / "configs" / "method").glob("*.yaml"))
LEARNED = [name for name in discovery.names("criteria") if discovery.module("criteria", name).CRITERION.learned]


class Tokenizer:
    """Stands for a tokenizer that is saved beside the model."""

    def save_pretrained(self, folder):
        pass


@pytest.fixture(params=ARCHITECTURES)
def architecture(request):
    """One after the other."""
    return ARCHITECTURES[request.param]


@pytest.fixture
def family_and_model(architecture):
    """A family and a model of it."""
    return architecture.found_family(), architecture.model()


@torch.no_grad()
def logits_of(model, batch):
    return model(**batch).logits


def remove(model, sublayers, lost):
    """Zeroes the output columns of the `lost` units (name -> their numbers) and compacts; logits before and after."""
    for sublayer in sublayers:
        weight = model.base_model.get_submodule(sublayer.matrices[-1].module).weight
        features = weight.data.view(len(weight), sublayer.num_units, sublayer.unit_size)
        features[:, sorted(lost.get(sublayer.name, ()))] = 0
    return compact(model, sublayers)


def random_loss(sublayers, seed):
    """About half of the units of each sublayer, all or none of them now and then."""
    generator = torch.Generator().manual_seed(seed)
    lost = {}
    for sublayer in sublayers:
        share = torch.rand((), generator=generator) * 1.6 - 0.3
        lost[sublayer.name] = (torch.rand(sublayer.num_units, generator=generator) < share).nonzero().flatten().tolist()
    return lost


def assert_exact(before, after):
    assert largest_difference({"logits": before}, {"logits": after}, ("logits",)) <= 1e-5


def test_every_family_has_a_tiny_model():
    assert {one.family for one in ARCHITECTURES.values()} == set(FAMILIES)


def test_config_holds_every_key_that_the_family_names(family_and_model):
    family, model = family_and_model
    assert family.keys() <= set(model.config.to_dict())


def test_every_matrix_is_a_linear_layer_of_the_stated_shape(family_and_model):
    family, model = family_and_model
    for matrix in (m for s in sublayers_of(family, model.config.to_dict()) for m in s.matrices):
        linear = model.base_model.get_submodule(matrix.module)
        assert isinstance(linear, nn.Linear)
        assert tuple(linear.weight.shape) == (matrix.rows, matrix.columns)


def test_every_linear_layer_of_the_stacks_is_prunable_once(family_and_model):
    family, model = family_and_model
    stacks = tuple(stack.layers for stack in family.stacks)
    modules = model.base_model.named_modules()
    linear = [name for name, module in modules if isinstance(module, nn.Linear) and name.startswith(stacks)]
    named = [m.module for s in sublayers_of(family, model.config.to_dict()) for m in s.matrices]
    assert sorted(named) == sorted(linear)


def test_units_lie_along_the_stated_axis(family_and_model):
    family, model = family_and_model
    for sublayer in sublayers_of(family, model.config.to_dict()):
        assert sublayer.site in SITES
        assert [m.unit_axis for m in sublayer.matrices] == [0] * (len(sublayer.matrices) - 1) + [1]
        for matrix in sublayer.matrices:
            assert (matrix.rows, matrix.columns)[matrix.unit_axis] == sublayer.num_units * sublayer.unit_size


def test_attributes_to_update_hold_the_dense_counts(family_and_model):
    family, model = family_and_model
    for sublayer in sublayers_of(family, model.config.to_dict()):
        for name, meaning in sublayer.counts.items():
            module, attribute = name.rsplit(".", 1)
            expected = {"units": sublayer.num_units, "width": sublayer.num_units * sublayer.unit_size}[meaning]
            assert getattr(model.base_model.get_submodule(module), attribute) == expected


def test_names_of_sublayers_differ(family_and_model):
    family, model = family_and_model
    names = [s.name for s in sublayers_of(family, model.config.to_dict())]
    assert len(set(names)) == len(names)


def test_masks_hit_every_prunable_matrix_and_no_other_layer(architecture, mask):
    model = architecture.model()
    matrices = {m.module for s in architecture.sublayers(model) for m in s.matrices}
    mask(model)
    masked = {name for name, module in model.base_model.named_modules() if isinstance(module, MaskedLinear)}
    assert masked == matrices
    assert sum(isinstance(module, MaskedLinear) for module in model.modules()) == len(matrices)


def test_every_sublayer_shows_in_the_logits(architecture):
    batch = inputs(architecture)
    before = logits_of(architecture.model(), batch)
    for sublayer in architecture.sublayers(architecture.model()):
        model = architecture.model()
        remove(model, architecture.sublayers(model), {sublayer.name: range(sublayer.num_units)})
        assert (logits_of(model, batch) - before).abs().max() > 1e-3, sublayer.name


@pytest.mark.parametrize("grain", ["element", "block", "head"])
@pytest.mark.parametrize("criterion", LEARNED)
def test_gradients_reach_the_scores_of_every_matrix(criterion, grain, architecture, mask):
    model = architecture.model()
    masks = mask(model, criterion, grain)
    model(**inputs(architecture)).logits.pow(2).mean().backward()
    for bank in masks.banks.values():
        for scores in bank.scores:
            assert scores.grad.flatten(1).abs().amax(1).min() > 0


@pytest.mark.parametrize("file", METHODS, ids=lambda file: file.stem)
def test_every_method_trains_and_its_result_compacts_exactly(file, architecture, shuffle):
    method = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(MethodConfig), yaml.safe_load(file.read_text())))
    for part in (method.attention, method.feed_forward):
        part.block = [4, 4]
    model, batch = architecture.model().train(), inputs(architecture)
    sublayers = architecture.sublayers(model)
    masks = discovery.module("methods", method.kind).spread(model, model.base_model, sublayers, method, seed=0)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    before = [scores.detach().clone() for scores in masks.parameters()]
    for ramp in (0.5, 1.0):
        masks.advance(ramp)
        loss = model(**batch).logits.pow(2).mean() + masks.penalty()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.isfinite()
    assert not any(old.equal(new) for old, new in zip(before, masks.parameters(), strict=True))
    shuffle(masks, mean=-4.0, std=3.0)
    masks.advance(1.0)
    masked = logits_of(model.eval(), batch)
    assert all(0 < density < 1 for density in masks.densities().values())
    fold(model)
    compact(model, sublayers)
    assert_exact(masked, logits_of(model, batch))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("seed", range(4))
def test_compaction_changes_no_logit(seed, attention, architecture):
    model, batch = architecture.model(seed), inputs(architecture)
    model.set_attn_implementation(attention)
    sublayers = architecture.sublayers(model)
    dense = architecture.model(seed)
    lost = random_loss(sublayers, seed)
    for sublayer in sublayers:  # the same zeros, in full size
        output = dense.base_model.get_submodule(sublayer.matrices[-1].module)
        features = output.weight.data.view(len(output.weight), sublayer.num_units, sublayer.unit_size)
        features[:, lost[sublayer.name]] = 0
    structure = remove(model, sublayers, lost)
    assert {name: set(units) for name, units in structure.kept.items()} == {
        s.name: set(range(s.num_units)) - set(lost[s.name]) for s in sublayers
    }
    assert_exact(logits_of(dense, batch), logits_of(model, batch))


def test_any_sublayer_may_lose_everything_exactly(architecture):
    batch = inputs(architecture)
    for sublayer in architecture.sublayers(architecture.model()):
        zeroed, model = architecture.model(), architecture.model()
        zeroed.base_model.get_submodule(sublayer.matrices[-1].module).weight.data.zero_()
        remove(model, architecture.sublayers(model), {sublayer.name: range(sublayer.num_units)})
        assert_exact(logits_of(zeroed, batch), logits_of(model, batch))


def test_all_sublayers_may_lose_everything(architecture):
    model = architecture.model()
    sublayers = architecture.sublayers(model)
    structure = remove(model, sublayers, {s.name: range(s.num_units) for s in sublayers})
    assert not any(structure.kept.values())
    assert num_left(model.base_model, sublayers) == 0
    assert logits_of(model, inputs(architecture)).isfinite().all()


@pytest.mark.parametrize("seed", range(3))
def test_a_saved_model_reloads_equal(seed, architecture, tmp_path):
    model = architecture.model(seed)
    if architecture.writes:
        model.generation_config.update(num_beams=3, max_length=17, eos_token_id=[2, 7])
    sublayers = architecture.sublayers(model)
    structure = remove(model, sublayers, random_loss(sublayers, seed))
    reload.save(model, structure, Tokenizer(), tmp_path)
    loaded = prune.load(tmp_path)
    batch = inputs(architecture)
    assert logits_of(loaded, batch).equal(logits_of(model, batch))
    assert num_parameters(loaded) == num_parameters(model)
    assert loaded.all_tied_weights_keys == model.all_tied_weights_keys
    if architecture.writes:
        assert loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight
        settings = loaded.generation_config
        assert (settings.num_beams, settings.max_length, settings.eos_token_id) == (3, 17, [2, 7])


def test_a_tied_weight_that_was_not_saved_at_all_is_missed(architecture, tmp_path):
    model = architecture.model()
    sublayers = architecture.sublayers(model)
    reload.save(model, compact(model, sublayers), Tokenizer(), tmp_path)
    name = next(name for name, value in model.named_parameters() if value is model.get_input_embeddings().weight)
    weights = load_file(tmp_path / "model.safetensors")
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="missing"):
        prune.load(tmp_path)


HALF = {
    # Weights that are left in one encoder layer and in one decoder layer, half of all heads and dimensions kept.
    "bert": (4 * 16 * 8 + 2 * 16 * 12, 0),
    "bart": (4 * 16 * 8 + 2 * 16 * 12, 2 * 4 * 16 * 8 + 2 * 16 * 10),
    "t5": (4 * 16 * 16 + 2 * 16 * 12, 2 * 4 * 16 * 16 + 2 * 16 * 12),
    "t5_gated": (4 * 16 * 16 + 3 * 16 * 12, 2 * 4 * 16 * 16 + 3 * 16 * 12),
}
BIASES_GONE = {
    # Biases of query, key, value and of the inner layer that go with that half.
    "bert": (3 * 8 + 12, 0),
    "bart": (3 * 8 + 12, 2 * 3 * 8 + 10),
    "t5": (0, 0),
    "t5_gated": (0, 0),
}
LAYERS = {"bert": (3, 0), "bart": (2, 3), "t5": (3, 2), "t5_gated": (3, 2)}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_numbers_of_weights_and_parameters_by_hand(name):
    architecture = ARCHITECTURES[name]
    model = architecture.model()
    sublayers, dense = architecture.sublayers(model), num_parameters(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) for s in sublayers}
    Structure(architecture.family, kept).apply(model.base_model, sublayers)
    left = sum(count * weights for count, weights in zip(LAYERS[name], HALF[name], strict=True))
    biases = sum(count * gone for count, gone in zip(LAYERS[name], BIASES_GONE[name], strict=True))
    assert num_left(model.base_model, sublayers) == left
    assert dense - num_parameters(model) == left + biases  # the half that went is as large as the half that stays


def test_a_missing_key_is_named():
    with pytest.raises(ValueError, match="lacks intermediate_size, num_attention_heads"):
        sublayers_of(BERT, {"hidden_size": 16, "num_hidden_layers": 2})


def test_bert_base_by_hand():
    shape = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    sublayers = sublayers_of(BERT, shape)
    assert [(s.site, s.num_units, s.unit_size) for s in sublayers[:2]] == [
        ("attention", 12, 64),
        ("feed_forward", 3072, 1),
    ]
    assert sublayers[-1].matrices[-1].module == "encoder.layer.11.output.dense"
    assert sum(m.rows * m.columns for s in sublayers for m in s.matrices) == 84_934_656


def test_t5_small_by_hand():
    """Its config.json on the hub has neither num_decoder_layers nor feed_forward_proj."""
    shape = {"d_model": 512, "d_kv": 64, "d_ff": 2048, "num_heads": 8, "num_layers": 6}
    sublayers = sublayers_of(T5, shape)
    assert [s.name for s in sublayers[-3:]] == [
        f"decoder.block.5.{name}" for name in ("self_attention", "cross_attention", "feed_forward")
    ]
    assert sum(m.rows * m.columns for s in sublayers for m in s.matrices) == 44_040_192
    assert sublayers_of(T5, {**shape, "num_decoder_layers": None, "feed_forward_proj": "relu"}) == sublayers


def test_the_size_of_a_head_may_be_any():
    shape = {"d_model": 512, "d_kv": 64, "d_ff": 1024, "num_heads": 6, "num_layers": 8, "num_decoder_layers": 2}
    sublayers = sublayers_of(T5, {**shape, "feed_forward_proj": "gated-gelu"})  # t5-v1_1-small
    assert len(sublayers) == 8 * 2 + 2 * 3
    assert (sublayers[0].num_units, sublayers[0].unit_size, sublayers[0].matrices[0].rows) == (6, 64, 384)
    assert [m.module for m in sublayers[1].matrices] == [
        f"encoder.block.0.layer.1.DenseReluDense.{name}" for name in ("wi_0", "wi_1", "wo")
    ]


def test_a_key_that_another_one_stands_for_is_named_if_both_are_missing():
    with pytest.raises(ValueError, match="lacks num_layers"):
        sublayers_of(T5, {"d_model": 512, "d_kv": 64, "d_ff": 1024, "num_heads": 6})
