"""What every family promises, on a tiny model of each of its architectures."""

from itertools import product
from pathlib import Path

import pytest
import torch
import yaml
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, BertModel
from transformers.pytorch_utils import Conv1D

import prune
from prune.compaction import saved_model
from prune.compaction.compact import compact, largest_difference
from prune.config.schema import MethodConfig
from prune.criteria import of_masks
from prune.errors import UserError
from prune.masking.attach import fold
from prune.masking.linear import MaskedLinear
from prune.measure.size import num_left, num_parameters
from prune.methods.fine_pruning.training import spread
from prune.models.architecture import skeleton, sublayers_of
from prune.models.sublayers import SITES
from prune.runtime import registry
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs

FAMILIES = registry.names("families")
FILES = sorted((Path(__file__).parents[2] / "configs" / "method").glob("*.yaml"))
METHODS = [file for file in FILES if yaml.safe_load(file.read_text())["kind"] == "fine_pruning"]
LEARNED = [name for name in of_masks() if registry.module("criteria", name).CRITERION.learned]


@pytest.fixture(params=ARCHITECTURES)
def architecture(request):
    """One after the other."""
    return ARCHITECTURES[request.param]


@pytest.fixture
def model(architecture):
    """A model of it."""
    return architecture.model()


@torch.no_grad()
def logits_of(model, batch):
    return model(**batch).logits


def remove(model, sublayers, lost):
    """Zeroes the output columns of the `lost` units (name -> their numbers) and compacts; logits before and after."""
    for sublayer in sublayers:
        zero(model, sublayer, lost.get(sublayer.name, ()))
    return compact(model, sublayers)


def zero(model, sublayer, units):
    """Lets the output matrix of a sublayer not see `units`."""
    size = sublayer.output.unit_size
    columns = [unit * size + index for unit in units for index in range(size)]
    sublayer.output.weight(model.base_model).data[:, columns] = 0


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
    assert {one.family.replace("-", "_") for one in ARCHITECTURES.values()} == set(FAMILIES)


def test_every_matrix_is_a_part_of_a_linear_layer(model):
    for sublayer in sublayers_of(model):
        for matrix in (*sublayer.matrices, *sublayer.followers):
            assert isinstance(model.base_model.get_submodule(matrix.module), (nn.Linear, Conv1D))
            assert tuple(matrix.weight(model.base_model).shape) == (matrix.rows, matrix.columns)


def test_the_matrices_of_a_layer_hold_all_its_weights_once(model):
    sublayers = sublayers_of(model)
    layers = tuple(s.name.rpartition(".")[0] for s in sublayers)
    linear = {
        name: module.weight.numel()
        for name, module in model.base_model.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and name.startswith(layers) and "bottleneck" not in name
    }
    held = dict.fromkeys(linear, 0)
    for matrix in (m for s in sublayers for m in (*s.matrices, *s.followers)):
        held[matrix.module] += matrix.rows * matrix.columns
    assert held == linear


def test_units_lie_along_the_stated_axis(model):
    for sublayer in sublayers_of(model):
        assert sublayer.site in SITES
        assert [m.unit_axis for m in sublayer.matrices] == [0] * (len(sublayer.matrices) - 1) + [1]
        for matrix in sublayer.matrices:
            assert (matrix.rows, matrix.columns)[matrix.unit_axis] == sublayer.num_units * matrix.unit_size


def test_attributes_to_update_hold_the_dense_counts(model):
    for sublayer in sublayers_of(model):
        for name, meaning in sublayer.counts.items():
            module, attribute = name.rsplit(".", 1)
            expected = {"units": sublayer.num_units, "width": sublayer.output.columns}[meaning]
            assert getattr(model.base_model.get_submodule(module), attribute) == expected


def test_names_of_sublayers_differ(model):
    names = [s.name for s in sublayers_of(model)]
    assert len(set(names)) == len(names)


def test_masks_hit_every_prunable_matrix_and_no_other_layer(architecture, mask):
    model = architecture.model()
    matrices = [m for s in sublayers_of(model) for m in s.matrices]
    mask(model)
    masked = [name for name, module in model.base_model.named_modules() if isinstance(module, MaskedLinear)]
    assert {name.partition(".parts")[0] for name in masked} == {m.module for m in matrices}
    assert len(masked) == len(matrices)
    assert sum(isinstance(module, MaskedLinear) for module in model.modules()) == len(matrices)


def test_masks_that_keep_everything_change_no_logit_and_leave_no_trace(architecture, mask):
    model, batch = architecture.model(), inputs(architecture)
    kinds = {name: type(module) for name, module in model.named_modules()}
    before, weights = logits_of(model, batch), {name: value.clone() for name, value in model.state_dict().items()}
    mask(model).advance(0.0)
    assert_exact(before, logits_of(model, batch))
    fold(model)
    assert {name: type(module) for name, module in model.named_modules()} == kinds
    assert all(value.equal(weights[name]) for name, value in model.state_dict().items())
    assert set(model.state_dict()) == set(weights)


def test_every_sublayer_shows_in_the_logits(architecture):
    batch = inputs(architecture)
    before = logits_of(architecture.model(), batch)
    for sublayer in sublayers_of(architecture.model()):
        model = architecture.model()
        remove(model, sublayers_of(model), {sublayer.name: range(sublayer.num_units)})
        assert (logits_of(model, batch) - before).abs().max() > 1e-3, sublayer.name


@pytest.mark.parametrize(("criterion", "grain"), list(zip(LEARNED, ["element", "block", "head"], strict=True)))
def test_gradients_reach_the_scores_of_every_matrix(criterion, grain, architecture, mask):
    model = architecture.model()
    masks = mask(model, criterion, grain)
    model(**inputs(architecture)).logits.pow(2).mean().backward()
    for bank in masks.banks.values():
        for scores in bank.scores:
            assert scores.grad.flatten(1).abs().amax(1).min() > 0


def method_of_each():
    """Every method with every architecture; in the quick suite they take turns, two methods for each architecture."""
    for (place, architecture), (number, file) in product(enumerate(ARCHITECTURES), enumerate(METHODS)):
        has_its_turn = (number - place) % (len(METHODS) // 2) == 0
        marks = () if has_its_turn else pytest.mark.slow
        yield pytest.param(architecture, file, marks=marks, id=f"{architecture}-{file.stem}")


@pytest.mark.parametrize(("architecture", "file"), list(method_of_each()), indirect=["architecture"])
def test_every_method_trains_and_its_result_compacts_exactly(file, architecture, shuffle):
    method = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(MethodConfig), yaml.safe_load(file.read_text())))
    for part in (method.attention, method.feed_forward):
        part.block = [4, 4]
    model, batch = architecture.model().train(), inputs(architecture)
    sublayers = sublayers_of(model)
    masks = spread(model, model.base_model, sublayers, method, seed=0)
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


QUICK = ((0, "sdpa"), (1, "eager"))


@pytest.mark.parametrize(
    ("seed", "attention"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
        for case in product(range(4), ("eager", "sdpa"))
    ],
)
def test_compaction_changes_no_logit(seed, attention, architecture):
    model, batch = architecture.model(seed), inputs(architecture)
    model.set_attn_implementation(attention)
    sublayers = sublayers_of(model)
    dense = architecture.model(seed)
    lost = random_loss(sublayers, seed)
    for sublayer in sublayers:  # the same zeros, in full size
        zero(dense, sublayer, lost[sublayer.name])
    structure = remove(model, sublayers, lost)
    assert {name: set(units) for name, units in structure.kept.items()} == {
        s.name: set(range(s.num_units)) - set(lost[s.name]) for s in sublayers
    }
    assert_exact(logits_of(dense, batch), logits_of(model, batch))


def test_any_sublayer_may_lose_everything_exactly(architecture):
    batch = inputs(architecture)
    for sublayer in sublayers_of(architecture.model()):
        zeroed, model = architecture.model(), architecture.model()
        zero(zeroed, sublayer, range(sublayer.num_units))
        remove(model, sublayers_of(model), {sublayer.name: range(sublayer.num_units)})
        assert_exact(logits_of(zeroed, batch), logits_of(model, batch))


def test_all_sublayers_may_lose_everything(architecture):
    model = architecture.model()
    sublayers = sublayers_of(model)
    structure = remove(model, sublayers, {s.name: range(s.num_units) for s in sublayers})
    assert not any(structure.kept.values())
    assert num_left(model.base_model, sublayers) == 0
    assert logits_of(model, inputs(architecture)).isfinite().all()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_saved_model_reloads_equal(seed, architecture, tmp_path):
    model = architecture.model(seed)
    if architecture.writes:
        model.generation_config.update(num_beams=3, max_length=17, eos_token_id=[2, 7])
    sublayers = sublayers_of(model)
    structure = remove(model, sublayers, random_loss(sublayers, seed))
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
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
    sublayers = sublayers_of(model)
    saved_model.save(model, compact(model, sublayers), NO_TOKENIZER, tmp_path)
    name = next(name for name, value in model.named_parameters() if value is model.get_input_embeddings().weight)
    weights = load_file(tmp_path / "model.safetensors")
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="missing"):
        prune.load(tmp_path)


def test_a_model_that_is_not_built_as_its_family_says_is_refused():
    config = AutoConfig.for_model("bert")
    config.model_type = "distilbert"
    model = BertModel(config)
    with pytest.raises(UserError, match="no sublayer"):
        sublayers_of(model)


def test_a_module_that_is_no_linear_layer_is_refused():
    model = ARCHITECTURES["bert"].model()
    model.bert.encoder.layer[1].output.dense = nn.Identity()
    with pytest.raises(UserError, match=r"output\.dense is a Identity, not a linear layer"):
        sublayers_of(model)


def test_an_unknown_family_is_refused_with_the_way_to_add_one():
    config = AutoConfig.for_model("splinter")
    with pytest.raises(
        UserError, match="'splinter' is not one of the families: albert, .*About twenty lines add it: see .*"
    ):
        sublayers_of(skeleton(config))
