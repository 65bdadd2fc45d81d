"""Grouped-query attention: a unit is a key-value group with the query heads that attend to it, in all that prunes."""

from types import SimpleNamespace

import pytest
import torch
import transformers
from transformers import AutoConfig

from prune.budget.budget import size_budget
from prune.compaction import saved_model
from prune.compaction.compact import compact, largest_difference
from prune.compaction.refit import refit
from prune.config.targets import Target
from prune.criteria.saliency.fisher import SALIENCY
from prune.masking.attach import attach, fold
from prune.measure.size import num_left, num_parameters
from prune.models.architecture import skeleton, sublayers_of
from prune.models.families import Family, Stack, attention, feed_forward
from prune.models.sublayers import Matrix, Sublayer
from prune.models.units import all_units
from prune.pipeline.importance import importance
from prune.runtime import registry
from tests.architectures import NO_TOKENIZER
from tests.masking.test_dead_units import check_against_naive

SHAPE = {
    "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 4,
    "intermediate_size": 20, "vocab_size": 50, "max_position_embeddings": 32, "initializer_range": 0.3,
    "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
CLASSES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}  # qwen2 has biases, and different ones
FAMILY = Family(
    stacks=(
        Stack(
            "layers.*",
            (
                attention("self_attn", ("q_proj", "k_proj", "v_proj"), "self_attn.o_proj", head_size="head_dim"),
                feed_forward("mlp.gate_proj", "mlp.up_proj", output="mlp.down_proj"),
            ),
            depth="num_hidden_layers",
        ),
    )
)
IDS = torch.randint(3, 50, (3, 7), generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=CLASSES)
def make(request, monkeypatch):
    """Makes a tiny decoder whose queries share keys and values two by two."""
    known = registry.module
    mine = SimpleNamespace(FAMILY=FAMILY)
    monkeypatch.setattr(
        registry, "module", lambda kind, name: mine if name in CLASSES and kind == "families" else known(kind, name)
    )

    def decoder(seed=0):
        torch.manual_seed(seed)
        model = getattr(transformers, CLASSES[request.param])(AutoConfig.for_model(request.param, **SHAPE)).eval()
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.3)
        return model

    return decoder


@torch.no_grad()
def logits(model):
    mask = torch.ones_like(IDS)
    mask[0, 4:] = 0
    return {"logits": model(input_ids=IDS, attention_mask=mask).logits[mask.bool()]}


def some(sublayers):
    """Units that stay: a group and half of the dimensions, no group in the second layer."""
    kept = {s.name: (1,) if s.site == "attention" else tuple(range(0, 20, 2)) for s in sublayers}
    return kept | {"layers.1.attention": ()}


def masked(model, site, kept):
    sublayers = sublayers_of(model)
    sites = {"attention": site(grain="head"), "feed_forward": site(grain="dimension")}
    masks = attach(model, model.base_model, sublayers, sites, seed=0)
    for bank in masks.banks.values():
        bank.scores[0].data.fill_(-9.0)
        for row, sublayer in enumerate(bank.sublayers):
            bank.scores[0].data[row, list(kept[sublayer.name])] = 9.0
    masks.advance(1.0)
    return sublayers, masks


def test_each_matrix_says_how_large_a_unit_is(make):
    attention, mlp, *_ = sublayers_of(skeleton(make().config))
    assert [(m.width, m.unit_size, m.num_units) for m in attention.matrices] == [
        (24, 8, 3), (12, 4, 3), (12, 4, 3), (24, 8, 3)
    ]  # fmt: skip
    assert attention.weights_per_unit * 3 == attention.num_weights == 24 * (24 + 12 + 12 + 24)
    assert [m.unit_size for m in mlp.matrices] == [1, 1, 1]


def test_sizes_that_no_number_of_units_has_are_refused():
    with pytest.raises(ValueError, match="down has 7 features for 2 units"):
        Sublayer("x", "feed_forward", (Matrix("down", 7, 4, 0, 2), Matrix("up", 4, 8, 1, 4)), {})


def test_compaction_after_masks_on_groups_changes_no_logit(make, site):
    model = make()
    kept = some(sublayers_of(model))
    sublayers, _ = masked(model, site, kept)
    before, whole = logits(model), num_parameters(model)
    fold(model)
    assert compact(model, sublayers).kept == kept
    assert largest_difference(before, logits(model), ("logits",)) <= 1e-5
    own = model.model.layers[0].self_attn
    assert [tuple(m.weight.shape) for m in (own.q_proj, own.k_proj, own.v_proj, own.o_proj)] == [
        (8, 24), (4, 24), (4, 24), (24, 8)
    ]  # fmt: skip
    assert num_parameters(model) < whole


def test_a_compact_model_generates_what_the_folded_one_does(make, site):
    model, small = make(), make()
    for one in (model, small):
        sublayers, _ = masked(one, site, some(sublayers_of(one)))
        fold(one)
    compact(small, sublayers)
    texts = [one.generate(IDS[1:], max_new_tokens=6, min_new_tokens=6, do_sample=False) for one in (model, small)]
    assert texts[0].equal(texts[1])


def test_a_compact_model_survives_its_files(make, site, tmp_path):
    model = make()
    sublayers, _ = masked(model, site, some(sublayers_of(model)))
    fold(model)
    structure = compact(model, sublayers)
    before = logits(model)
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    assert logits(saved_model.load(tmp_path))["logits"].equal(before["logits"])


def test_removed_units_come_back_as_zeros(make, site):
    model, whole = make(), make(seed=1)
    sublayers, _ = masked(model, site, some(sublayers_of(model)))
    fold(model)
    before = logits(model)
    structure = compact(model, sublayers)
    structure.put_back(model, whole, sublayers)
    assert largest_difference(before, logits(whole), ("logits",)) <= 1e-5


@pytest.mark.parametrize("block", [(2, 2), (4, 4), (12, 12), (3, 6), (6, 4)])
def test_groups_without_a_slice_are_masked_in_all_matrices(block, make, site, shuffle):
    model = make()
    sublayers = [s for s in sublayers_of(model) if s.site == "attention"]
    masks = attach(
        model, model.base_model, sublayers, {"attention": site(grain="block", block=block, threshold=0.5)}, 0
    )
    shuffle(masks)
    masks.advance(1.0)
    masks.refresh()
    check_against_naive(masks)
    before = logits(model)
    fold(model)
    compact(model, sublayers_of(model))
    assert largest_difference(before, logits(model), ("logits",)) <= 1e-5


@pytest.mark.parametrize(("multiple", "groups"), [(4, 1), (8, 2), (16, 3)])
def test_widths_of_all_matrices_are_rounded_up(multiple, groups, make, site):
    model = make()
    _, masks = masked(model, site, some(sublayers_of(model)))
    masks.pad_widths(multiple)
    masks.refresh()
    left = masks.units_left()
    assert [len(left[f"layers.{layer}.attention"]) for layer in range(3)] == [groups, 0, groups]


def test_importance_is_the_square_of_the_slope_of_a_groups_output(make):
    model, step = make().double(), 1e-3  # its norms are computed in float32
    sublayers = sublayers_of(model)
    batch = {"input_ids": IDS[:1], "labels": IDS[:1]}
    found = importance(SALIENCY, model, sublayers, [batch])["layers.1.attention"]
    for unit in range(3):
        losses = []
        for sign in (1, -1):
            other = make().double()
            other.model.layers[1].self_attn.o_proj.weight.data[:, 8 * unit : 8 * unit + 8] *= 1 + sign * step
            losses.append(other(**batch).loss.item())
        assert found[unit].item() == pytest.approx(((losses[0] - losses[1]) / (2 * step)) ** 2, rel=1e-2)


@pytest.mark.parametrize("kind", ["density", "params"])
def test_a_budget_counts_what_compaction_leaves(kind, make):
    model = make()
    sublayers = sublayers_of(model)
    counts = {"density": lambda: num_left(model.base_model, sublayers), "params": lambda: num_parameters(model)}
    budget = size_budget(Target(kind, 0.7), sublayers, sublayers, frozenset(), "AutoModelForCausalLM", model.config)
    assert budget.cost_of({name: len(units) for name, units in all_units(sublayers).items()}) == counts[kind]()
    generator = torch.Generator().manual_seed(0)
    kept = budget.choose({s.name: torch.rand(s.num_units, generator=generator) for s in sublayers})
    refit(model, make(), sublayers, kept, [{"input_ids": IDS, "labels": IDS}])
    assert compact(model, sublayers).kept == kept
    cost = budget.cost_of({name: len(units) for name, units in kept.items()})
    assert counts[kind]() == cost <= budget.limit
