"""Saliencies of single weights: gradients and Hessian-vector products against finite differences; what SynFlow
conserves; every one of them on every family.
"""

import copy

import pytest
import torch

from prune import criteria
from prune.criteria.weight_saliency import WeightSaliency
from prune.criteria.weight_saliency.grasp import TEMPERATURE, hessian_product
from prune.criteria.weight_saliency.snip import mean_gradients
from prune.masking.fixed_masks import named_matrices, set_to_zero
from prune.models.architecture import sublayers_of
from prune.pipeline.sparse_training import all_kept
from prune.pipeline.weight_scores import choose
from prune.runtime import registry
from tests.architectures import ARCHITECTURES
from tests.criteria.test_saliency import batch_of

NAMES = criteria.of_weights()


def saliency(name) -> WeightSaliency:
    return registry.module("weight_saliencies", name).WEIGHT_SALIENCY


def prepared(model, dtype=torch.float64):
    """In float64, with attention that can be differentiated twice."""
    model = model.to(dtype).eval()
    model.set_attn_implementation("eager")
    return model, named_matrices(sublayers_of(model))


@pytest.fixture
def batches(ids):
    """The same examples, apart."""
    labels = torch.tensor([0, 1, 1])
    return [{"input_ids": ids[:2], "labels": labels[:2]}, {"input_ids": ids[2:], "labels": labels[2:]}]


def loss_of(model, batches):
    """The mean over all examples."""
    number = sum(len(batch["labels"]) for batch in batches)
    return sum(model(**batch).loss * len(batch["labels"]) / number for batch in batches)


def test_snip_is_the_weight_times_the_slope_of_the_mean_loss(make_bert, batches):
    model, matrices = prepared(make_bert())
    scores, step = saliency("snip").score(model, matrices, batches), 1e-6
    for name in list(matrices)[::5]:
        weight = matrices[name].weight(model.base_model)
        losses = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[1, 2] += sign * step
                losses.append(loss_of(model, batches))
                weight[1, 2] -= sign * step
        by_hand = abs(weight[1, 2] * (losses[0] - losses[1]) / (2 * step))
        assert scores[name][1, 2].item() == pytest.approx(by_hand.item(), rel=1e-4, abs=1e-12)


def test_grasp_is_the_weight_times_how_the_gradient_turns_along_itself(make_bert, batches):
    model, matrices = prepared(make_bert())
    scores = saliency("grasp").score(model, matrices, batches)
    soft = copy.deepcopy(model)
    with torch.no_grad():
        soft.classifier.weight.div_(TEMPERATURE)
        soft.classifier.bias.div_(TEMPERATURE)
    gradient = mean_gradients(soft, matrices, batches)
    step, ahead = 1e-5 / max(g.abs().max() for g in gradient.values()), []
    for sign in (1, -1):
        moved = copy.deepcopy(soft)
        with torch.no_grad():
            for module, values in gradient.items():
                moved.base_model.get_submodule(module).weight.add_(sign * step * values)
        ahead.append(mean_gradients(moved, matrices, batches))
    for name, matrix in matrices.items():
        product = (ahead[0][matrix.module] - ahead[1][matrix.module]) / (2 * step)
        by_hand = matrix.weight(model.base_model).detach() * product
        assert torch.allclose(scores[name], by_hand, rtol=1e-4, atol=1e-5 * by_hand.abs().max().item())


def test_the_product_with_the_hessian_is_symmetric(make_bert, batches):
    """u'(H v) = v'(H u)."""
    model, matrices = prepared(make_bert())
    generator = torch.Generator().manual_seed(0)
    first, second = (
        {
            module: torch.randn(values.shape, generator=generator, dtype=values.dtype)
            for module, values in mean_gradients(model, matrices, batches).items()
        }
        for _ in range(2)
    )
    products = [hessian_product(model, matrices, batches, vector) for vector in (first, second)]
    sides = [sum((a[m] * b[m]).sum() for m in first) for a, b in ((second, products[0]), (first, products[1]))]
    assert sides[0].item() == pytest.approx(sides[1].item(), rel=1e-9)


def test_scores_do_not_depend_on_how_examples_are_batched(make_bert, batches):
    together = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
    for name in ("snip", "grasp"):
        model, matrices = prepared(make_bert())
        apart, whole = (saliency(name).score(model, matrices, some) for some in (batches, [together]))
        for matrix in matrices:
            assert torch.allclose(apart[matrix], whole[matrix], rtol=1e-7, atol=1e-12)


def test_synflow_conserves_what_flows(make_bert):
    """What flows into a unit flows out of it, and all matrices of an attention carry the same."""
    model = make_bert()
    sublayers = sublayers_of(model)
    scores = saliency("synflow").score(model, named_matrices(sublayers), [])
    for sublayer in sublayers:
        *inputs, output = (scores[name] for name in named_matrices([sublayer]))
        into, out = inputs[-1].sum(1), output.sum(0)  # of values, or of dimensions
        assert into.min() > 0
        assert torch.allclose(into, out, rtol=1e-9)
        for carried in inputs:
            assert carried.sum().item() == pytest.approx(output.sum().item(), rel=1e-9)


def test_synflow_reads_no_data_and_leaves_the_model_as_it_is(make_bert):
    model, other = make_bert(), make_bert()
    scores = saliency("synflow").score(model, named_matrices(sublayers_of(model)), [])
    assert all(values.dtype == torch.float64 for values in scores.values())
    for name, values in model.named_parameters():
        assert torch.equal(values, other.get_parameter(name)) and values.grad is None
    assert not any(module._forward_hooks for module in model.modules())


def test_synflow_empties_no_matrix_where_snip_does(make_bert, batches):
    """A layer of smaller weights is emptied at once, though a tenth of all weights is left; step by step it is not."""
    model = make_bert()
    matrices = named_matrices(sublayers_of(model))
    with torch.no_grad():
        for name, matrix in matrices.items():
            matrix.weight(model.base_model).mul_(0.5 if "layer.1" in name else 1.0)
    kept = {}
    for name, steps in (("snip", 1), ("synflow", 1), ("synflow", 100)):
        masks = choose(saliency(name), copy.deepcopy(model), matrices, batches, all_kept(matrices), 0.1, steps)
        assert sum(int(mask.sum()) for mask in masks.values()) == round(0.1 * sum(m.numel() for m in masks.values()))
        kept[name, steps] = min(int(mask.sum()) for mask in masks.values())
    assert kept["snip", 1] == kept["synflow", 1] == 0
    assert kept["synflow", 100] > 4


@pytest.mark.parametrize("name", ["snip", "synflow", "magnitude"])
def test_the_inverted_criterion_keeps_the_complement(name, make_bert, batches):
    model = make_bert()
    matrices = named_matrices(sublayers_of(model))
    best, worst = (
        choose(
            saliency(name), copy.deepcopy(model), matrices, batches, all_kept(matrices), density, 1, inverted=inverted
        )
        for density, inverted in ((0.3, False), (0.7, True))
    )
    assert all(torch.equal(best[matrix], ~worst[matrix]) for matrix in matrices)


def test_in_steps_what_is_gone_stays_gone(make_bert, batches):
    model = make_bert()
    matrices = named_matrices(sublayers_of(model))
    first = choose(saliency("snip"), copy.deepcopy(model), matrices, batches, all_kept(matrices), 0.5, 1)
    second = choose(saliency("snip"), copy.deepcopy(model), matrices, batches, first, 0.2, 3)
    assert not any((second[name] & ~first[name]).any() for name in matrices)
    assert sum(int(m.sum()) for m in second.values()) == round(0.2 * sum(m.numel() for m in second.values()))


def test_a_random_mask_follows_from_the_seed(make_bert):
    model = make_bert()
    matrices = named_matrices(sublayers_of(model))
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(choose(saliency("random"), copy.deepcopy(model), matrices, [], all_kept(matrices), 0.5))
    assert all(torch.equal(found[0][name], found[1][name]) for name in matrices)
    assert not any(torch.equal(found[0][name], found[2][name]) for name in matrices)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", NAMES)
def test_every_one_scores_every_matrix_of_every_family(name, architecture):
    model, matrices = prepared(ARCHITECTURES[architecture].model(), torch.float32)
    scores = saliency(name).score(model, matrices, [batch_of(ARCHITECTURES[architecture])])
    assert {key: tuple(values.shape) for key, values in scores.items()} == {
        key: (matrix.rows, matrix.columns) for key, matrix in matrices.items()
    }
    for key, values in scores.items():
        assert torch.isfinite(values).all(), key
        assert values.abs().max() > 0, key
    set_to_zero(model.base_model, matrices, {key: values > values.median() for key, values in scores.items()})
