"""The Jaccard index and its expected value: by hand, by scipy, and by drawing masks."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from prune.overlap.jaccard import Mask, overlap_of, pooled


def mask(*kept):
    return Mask.of(np.array(kept, dtype=bool))


def drawn(generator, size, num_kept):
    kept = np.zeros(size, dtype=bool)
    kept[generator.choice(size, num_kept, replace=False)] = True
    return kept


def test_by_hand():
    one = overlap_of(mask(1, 1, 0, 0, 1, 0), mask(1, 0, 0, 1, 1, 0))
    assert one.index == 2 / 4
    assert one.expected == pytest.approx(0.5 * 0.5 / (0.5 + 0.5 - 0.25))


def test_the_same_gives_1_and_what_is_disjoint_0():
    assert overlap_of(mask(1, 0, 1, 0), mask(1, 0, 1, 0)).index == 1
    assert overlap_of(mask(1, 0, 1, 0), mask(0, 1, 0, 0)).index == 0


@pytest.mark.parametrize("size", [1, 7, 8, 63, 64, 65, 1000])
def test_as_scipy_has_it_whatever_the_size(size):
    generator = np.random.default_rng(size)
    for _ in range(20):
        first, second = (drawn(generator, size, generator.integers(1, size, endpoint=True)) for _ in range(2))
        found = overlap_of(Mask.of(first), Mask.of(second))
        assert found.both / found.either == pytest.approx(1 - distance.jaccard(first, second))


def test_a_mask_of_a_matrix_is_that_of_its_entries():
    kept = np.random.default_rng(0).random((5, 13)) < 0.5
    assert (Mask.of(kept).bits == Mask.of(kept.ravel()).bits).all()
    assert (Mask.of(kept).size, Mask.of(kept).num_kept) == (65, kept.sum())
    assert Mask.nothing_of(65).num_kept == 0


def test_the_expected_value_is_that_of_random_masks():
    generator = np.random.default_rng(0)
    sizes = {2000: (600, 1400), 500: (100, 50)}
    indices = []
    for _ in range(300):
        parts = [[Mask.of(drawn(generator, size, number)) for number in kept] for size, kept in sizes.items()]
        both = pooled(overlap_of(*pair) for pair in parts)
        indices.append(both.index)
    expected = (600 * 1400 / 2000 + 100 * 50 / 500) / (2000 + 150 - 600 * 1400 / 2000 - 100 * 50 / 500)
    assert both.expected == pytest.approx(expected)
    error = np.std(indices) / len(indices) ** 0.5
    assert abs(np.mean(indices) - expected) < 4 * error + 1 / 2000


@pytest.mark.parametrize(("size", "first", "second"), [(4, 2, 2), (12, 5, 7), (1000, 300, 20)])
def test_what_random_masks_share_is_hypergeometric(size, first, second):
    one = overlap_of(mask(*[1] * first, *[0] * (size - first)), mask(*[1] * second, *[0] * (size - second)))
    law = stats.hypergeom(size, first, second)
    assert (one.expected_both, one.variance) == (pytest.approx(law.mean()), pytest.approx(law.var()))


def test_the_deviation_is_that_of_random_masks():
    generator = np.random.default_rng(3)
    parts = [(12, 5, 7), (12, 6, 6)] * 3
    indices = []
    for _ in range(2000):
        both = pooled(
            overlap_of(Mask.of(drawn(generator, size, first)), Mask.of(drawn(generator, size, second)))
            for size, first, second in parts
        )
        indices.append(both.index)
    assert both.deviation == pytest.approx(np.std(indices), rel=0.1)
    assert np.mean(indices) == pytest.approx(both.expected, abs=0.01)


def test_densities_that_differ_between_parts_are_no_overlap_beyond_chance():
    """Two masks that agree only in how dense each part is: over all parts together they seem to agree."""
    generator = np.random.default_rng(1)
    kept = (9000, 1000)
    parts = [[drawn(generator, 10_000, number) for _ in range(2)] for number in kept]
    both = pooled(overlap_of(Mask.of(first), Mask.of(second)) for first, second in parts)
    assert both.index - both.expected == pytest.approx(0, abs=0.005)
    whole = overlap_of(*(Mask.of(np.concatenate(one)) for one in zip(*parts, strict=True)))
    assert whole.index == both.index
    assert whole.index - whole.expected > 0.3


def test_a_planted_overlap_is_found():
    """Two masks of density 0.3 that share two thirds, in random places."""
    generator = np.random.default_rng(2)
    order = generator.permutation(10_000)
    first, second = np.zeros((2, 10_000), dtype=bool)
    first[order[:3000]] = second[order[1000:4000]] = True
    one = overlap_of(Mask.of(first), Mask.of(second))
    assert one.index == 2000 / 4000
    assert one.index - one.expected == pytest.approx(0.5 - 0.09 / 0.51)


@pytest.mark.parametrize("other", [(1, 1, 1), (0, 0, 0), (1, 0, 1)])
@pytest.mark.parametrize("closed", [(1, 1, 1), (0, 0, 0)])
def test_where_one_keeps_all_or_nothing_there_is_nothing_to_compare(closed, other):
    one = overlap_of(mask(*closed), mask(*other))
    assert (one.index, one.expected) == (None, None)
    beside = pooled([one, overlap_of(mask(1, 0), mask(1, 0))])
    assert beside.index == (one.both + 1) / (one.either + 1)


def test_no_parts_are_nothing_to_compare():
    assert pooled([]).index is None
