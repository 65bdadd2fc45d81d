import subprocess
import sys

import pytest
import torch

from prune.masking.attach import attach
from prune.masking.grains import GRAINS, Grain
from prune.masking.tiles import gather, spread
from prune.models.sublayers import Matrix

QUERY = Matrix("query", rows=16, columns=20, unit_axis=0, unit_size=4)
KEY = Matrix("key", rows=8, columns=20, unit_axis=0, unit_size=2)
OUTPUT = Matrix("output", rows=20, columns=16, unit_axis=1, unit_size=4)
UP = Matrix("up", rows=16, columns=20, unit_axis=0)
DOWN = Matrix("down", rows=20, columns=16, unit_axis=1)
TILES = [(1, 1), (2, 4), (3, 2), (6, 2), (2, 8), (1, 8), (6, 1), (6, 8), (1, 4), (2, 1)]


@pytest.mark.parametrize(
    ("grain", "matrices", "tiles"),
    [
        ("element", (QUERY, OUTPUT), [(1, 1), (1, 1)]),
        ("block", (QUERY, OUTPUT), [(2, 5), (2, 5)]),
        ("row", (QUERY, OUTPUT), [(1, 20), (1, 16)]),
        ("column", (QUERY, OUTPUT), [(16, 1), (20, 1)]),
        ("head", (QUERY, KEY, OUTPUT), [(4, 20), (2, 20), (20, 4)]),
        ("dimension", (UP, DOWN), [(1, 20), (20, 1)]),
    ],
)
def test_tile_of_each_grain(grain, matrices, tiles):
    assert [GRAINS[grain].tile(matrix, (2, 5)) for matrix in matrices] == tiles


def test_only_heads_and_dimensions_share_scores():
    assert {name for name, grain in GRAINS.items() if grain.whole_units} == {"head", "dimension"}


def test_names_and_needs_are_known_without_torch():
    code = "import sys, prune.masking.grains; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _lowest_of_n(ranks, block):
    """Of each m neighbours in a row the n-th highest."""
    n, m = block
    kept = ranks.unflatten(-1, (-1, m)).topk(n).values[..., -1:]
    return kept.expand(*kept.shape[:-1], m).flatten(-2)


@pytest.mark.parametrize("criterion", ["magnitude", "movement", "random"])
def test_n_of_m_is_an_entry_of_the_table(criterion, monkeypatch, make_bert, sublayers, site, shuffle):
    monkeypatch.setitem(GRAINS, "n_of_m", Grain(lambda *_: (1, 1), scattered=True, cuts=_lowest_of_n))
    model = make_bert()
    two_of_four = {name: site(criterion, "n_of_m", block=(2, 4)) for name in ("attention", "feed_forward")}
    masks = attach(model, model.bert, sublayers(model), two_of_four, seed=0)
    shuffle(masks)
    masks.advance(1.0)
    masks.refresh()
    for bank in masks.all_banks():
        for mask, ranks in zip(bank.masks, bank.ranks(), strict=True):
            groups, values = mask.unflatten(-1, (-1, 4)), ranks.unflatten(-1, (-1, 4))
            assert groups.sum(-1).eq(2).all()
            kept = values.masked_fill(groups == 0, torch.inf).amin(-1)
            assert (kept >= values.masked_fill(groups == 1, -torch.inf).amax(-1)).all()


@pytest.mark.parametrize("tile", TILES)
def test_spread_repeats_a_mask_over_its_tiles(tile):
    mask, weight = torch.randn(6 // tile[0], 8 // tile[1]), torch.randn(6, 8)
    product = (spread(mask, 8) * weight.view(len(mask), -1, 8)).view(6, 8)
    for i in range(6):
        for j in range(8):
            assert product[i, j] == mask[i // tile[0], j // tile[1]] * weight[i, j]


@pytest.mark.parametrize("tile", TILES)
def test_gather_sums_over_each_tile(tile):
    values, shape = torch.randn(3, 6, 8), (6 // tile[0], 8 // tile[1])
    expected = torch.zeros(3, *shape)
    for i in range(6):
        for j in range(8):
            expected[:, i // tile[0], j // tile[1]] += values[:, i, j]
    torch.testing.assert_close(gather(values, shape), expected)


@pytest.mark.parametrize("tile", TILES)
def test_spread_and_gather_are_adjoint(tile):
    shape = (6 // tile[0], 8 // tile[1])
    masks, values = torch.randn(3, *shape, dtype=torch.float64), torch.randn(3, 6, 8, dtype=torch.float64)
    product = spread(masks, 8) * values.view(3, shape[0], -1, 8)
    torch.testing.assert_close(product.sum(), (masks * gather(values, shape)).sum())


def test_spread_makes_nothing_as_large_as_the_weight_unless_each_row_has_its_own_mask():
    assert [spread(torch.ones(shape), 8).shape for shape in [(3, 2), (3, 1), (1, 8), (6, 8)]] == [
        (3, 1, 8),
        (3, 1, 1),
        (1, 1, 8),
        (6, 1, 8),
    ]
