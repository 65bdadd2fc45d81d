import math

import pytest
import torch
from torch import nn

from prune.masking.attach import attach
from prune.masking.grains import GRAINS
from prune.masking.linear import MaskedLinear
from prune.models.sublayers import Matrix, Sublayer
from prune.runtime import registry

BY_DENSITY = [
    name for name in registry.names("criteria") if registry.module("criteria", name).CRITERION.setting == "density"
]


@pytest.mark.parametrize("density", [1.0, 0.83, 0.5, 0.1, 0.001])
@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("criterion", BY_DENSITY)
def test_each_matrix_has_the_density_within_one_grain(criterion, grain, density, make_bert, mask, shuffle):
    masks = mask(make_bert(), criterion, grain, density=density)
    shuffle(masks)
    masks.advance(1.0)
    for bank in masks.banks.values():
        for ranks, cuts in zip(bank.ranks(), bank.cuts, strict=True):
            for one, cut in zip(ranks, cuts, strict=True):
                kept = int((one >= cut).sum())
                assert kept >= 1
                assert kept == 1 or abs(kept - density * one.numel()) < 1


@pytest.mark.parametrize(("ramp", "density"), [(0.0, 1.0), (0.5, 0.75), (0.75, 0.625), (1.0, 0.5)])
def test_density_falls_with_the_ramp(ramp, density, make_bert, mask):
    masks = mask(make_bert(), "random", density=0.5)
    masks.advance(ramp)
    masks.refresh()
    assert masks.densities() == pytest.approx({"attention": density, "feed_forward": density})


@pytest.mark.parametrize("criterion", ["random", "soft_movement"])
def test_the_ramp_can_be_set_back_to_the_start(criterion, make_bert, mask, shuffle):
    masks = mask(make_bert(), criterion, density=0.5, threshold=0.5)
    shuffle(masks)
    for ramp in (1.0, 0.0):
        masks.advance(ramp)
        masks.refresh()
        assert (masks.densities() == {"attention": 1.0, "feed_forward": 1.0}) == (ramp == 0.0)


@pytest.mark.parametrize("density", [0.9, 0.5, 0.1])
@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("criterion", BY_DENSITY)
def test_pooled_density_is_reached_over_the_site(criterion, grain, density, make_bert, mask, shuffle):
    masks = mask(make_bert(), criterion, grain, density=density, pooled=True)
    shuffle(masks)
    masks.advance(1.0)
    for bank in masks.banks.values():
        pairs = list(zip(bank.ranks(), bank.cuts, strict=True))
        kept = sum(int((one >= cut[0]).sum()) for one, cut in pairs)
        assert bank.cuts.unique().numel() == 1
        assert abs(kept - density * sum(one.numel() for one, _ in pairs)) < 1


@pytest.mark.parametrize(("pooled", "densities"), [(True, [1.0, 0.0]), (False, [0.5, 0.5])])
def test_only_a_pooled_density_prefers_the_layer_with_large_weights(pooled, densities, make_bert, mask):
    model = make_bert()
    for index, layer in enumerate(model.bert.encoder.layer):
        for name, parameter in layer.named_parameters():
            parameter.data *= 10.0 ** (6 - 12 * index) if name.endswith("weight") else 1.0
    masks = mask(model, "magnitude", "head", density=0.5, pooled=pooled)
    masks.advance(1.0)
    masks.refresh()
    assert [one.mean().item() for one in masks.banks["attention"].masks[0]] == densities


@pytest.mark.parametrize("grain", GRAINS)
def test_magnitude_scores_are_mean_absolute_weights_over_the_grain(grain, make_bert, mask):
    model = make_bert()
    masks = mask(model, "magnitude", grain, block=(2, 4))
    for bank in masks.banks.values():
        linear = [model.bert.get_submodule(matrix.module) for matrix in bank.sublayers[1].matrices]
        found = [scores[1] for scores in bank.current_scores()]
        tiles = [bank.grain.tile(matrix, (2, 4)) for matrix in bank.matrices]
        means = [_tile_means(layer.weight, tile) for layer, tile in zip(linear, tiles, strict=True)]
        expected = [torch.stack([mean.flatten() for mean in means]).mean(0)] if bank.grain.shared else means
        for one, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(one, wanted)


def _tile_means(weight, tile):
    rows = [
        torch.stack([part.abs().mean() for part in strip.split(tile[1], dim=1)])
        for strip in weight.detach().split(tile[0])
    ]
    return torch.stack(rows)


def test_magnitude_follows_the_weights(make_bert, mask):
    model = make_bert()
    masks = mask(model, "magnitude", "head", density=0.25)
    for head in (1, 2):
        for part in ("query", "key", "value"):
            model.bert.encoder.layer[0].attention.self.get_submodule(part).weight.data[4 * head : 4 * head + 4] = (
                10.0 * head
            )
    masks.advance(1.0)
    masks.refresh()
    assert masks.banks["attention"].masks[0][0].flatten().tolist() == [0, 0, 1, 0]


def test_a_shared_grain_has_one_score_per_unit(make_bert, site, sublayers):
    model = make_bert()
    sites = {"attention": site(grain="head"), "feed_forward": site(grain="dimension")}
    masks = attach(model, model.bert, sublayers(model), sites, seed=0)
    assert [tuple(scores.shape) for scores in masks.parameters()] == [(2, 4), (2, 24)]


def test_random_masks_follow_from_the_seed(make_bert, mask):
    first, second, third = (mask(make_bert(), "random", seed=seed).banks["attention"].scores[0] for seed in (1, 1, 2))
    assert first.equal(second)
    assert not first.equal(third)


@pytest.mark.parametrize(("ramp", "threshold"), [(0.0, 0.0), (0.5, 0.2), (1.0, 0.4)])
def test_threshold_rises_with_the_ramp(ramp, threshold, make_bert, mask):
    masks = mask(make_bert(), threshold=0.4)
    masks.advance(ramp)
    assert masks.banks["attention"].threshold == pytest.approx(threshold)


@pytest.mark.parametrize(("ramp", "expected"), [(0.0, 0.0), (0.5, 0.5 * 8 * 0.6), (1.0, 8 * 0.6)])
def test_penalty_is_the_mean_of_the_sites_times_lambda_and_ramp(ramp, expected, make_bert, mask):
    masks = mask(make_bert(), grain="block", penalty=8.0)
    for bank, mean in zip(masks.banks.values(), (0.4, 0.8), strict=True):
        for scores in bank.scores:
            scores.data.fill_(math.log(mean / (1 - mean)))
    masks.advance(ramp)
    assert torch.as_tensor(masks.penalty()).item() == pytest.approx(expected)


def test_penalty_of_a_site_is_weighted_by_its_own_lambda(make_bert, site, sublayers):
    model = make_bert()
    sites = {"attention": site(grain="block", penalty=6.0), "feed_forward": site(grain="block", penalty=0.0)}
    masks = attach(model, model.bert, sublayers(model), sites, seed=0)
    masks.advance(1.0)
    assert torch.as_tensor(masks.penalty()).item() == pytest.approx(6.0 * 0.5 / 2)


def test_penalty_averages_over_score_tensors_not_over_scores(make_bert, mask):
    masks = mask(make_bert(), grain="row", penalty=2.0)  # up has 24 rows, down 16
    up, down = masks.banks["feed_forward"].scores
    assert (up.shape[1], down.shape[1]) == (24, 16)
    up.data.fill_(math.log(3))
    masks.advance(1.0)
    assert torch.as_tensor(masks.penalty()).item() == pytest.approx(2.0 * (0.5 + (0.75 + 0.5) / 2) / 2)


def test_penalty_counts_each_score_tensor_once_where_sublayers_have_different_numbers_of_matrices(site):
    two = Sublayer("two", "feed_forward", (Matrix("a", 4, 2, 0), Matrix("b", 2, 4, 1)), {})
    three = Sublayer("three", "feed_forward", (*(Matrix(n, 6, 2, 0) for n in "cd"), Matrix("e", 2, 6, 1)), {})
    model = nn.ModuleDict({m.module: nn.Linear(m.columns, m.rows) for s in (two, three) for m in s.matrices})
    masks = attach(model, model, [two, three], {"feed_forward": site(penalty=2.0)}, seed=0)
    for scores in masks.banks["feed_forward"].scores:
        scores.data.fill_(math.log(3))
    masks.advance(1.0)
    assert torch.as_tensor(masks.penalty()).item() == pytest.approx((2 * 0.75 + 3 * 0.5) / 5)


@pytest.mark.parametrize("criterion", BY_DENSITY)
def test_no_penalty_where_density_decides(criterion, make_bert, mask):
    masks = mask(make_bert(), criterion, penalty=8.0)
    masks.advance(1.0)
    assert masks.penalty() == 0.0


def test_penalty_has_a_gradient_towards_every_score(make_bert, mask):
    masks = mask(make_bert(), grain="block", penalty=8.0)
    masks.advance(1.0)
    masks.penalty().backward()
    assert all(scores.grad.gt(0).all() for scores in masks.parameters())


def test_densities_count_the_weights_that_the_masks_keep(make_bert, mask, shuffle):
    model = make_bert()
    masks = mask(model, grain="block", threshold=0.5)
    shuffle(masks, mean=1.0)
    masks.advance(1.0)
    masks.refresh()
    for site, bank in masks.banks.items():
        layers = [model.bert.get_submodule(m.module) for s in bank.sublayers for m in s.matrices]
        assert all(isinstance(layer, MaskedLinear) for layer in layers)
        full = [layer.masked[0].ne(0) for layer in layers]
        kept = sum(one.sum() for one in full) / sum(one.numel() for one in full)
        assert masks.densities()[site] == pytest.approx(float(kept))
        assert 0 < kept < 1


def test_cuts_through_large_matrices_are_found_at_every_tenth_step_and_at_the_end(make_bert, mask):
    masks = mask(make_bert(num_hidden_layers=1, intermediate_size=4100), "random", density=0.2)  # 16 x 4100 > 2^16
    cuts = {}
    for ramp, step in ((0.1, 10), (0.2, 11), (0.3, 19), (0.4, 20), (0.5, None)):
        masks.advance(ramp, step)
        cuts[step] = masks.banks["feed_forward"].cuts[0].item(), masks.banks["attention"].cuts[0].item()
    large, small = ([cut[index] for cut in cuts.values()] for index in (0, 1))
    assert large[0] == large[1] == large[2] < large[3] < large[4]
    assert small == sorted(set(small))
