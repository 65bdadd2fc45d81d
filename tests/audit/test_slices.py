"""Slices: changes by hand, Welch's test against scipy, intervals and bands that cover what they should."""

import numpy as np
import pytest
from scipy import stats

from prune.audit.populations import Population
from prune.audit.slices import changes, slices_of, welch


def population(scores):
    scores = np.asarray(scores, float)
    return Population(np.zeros(scores.shape, int), scores)


def by_name(found):
    return {(one.column, one.value): one for one in found}


def halves(number=20):
    return {"genre": ["a"] * (number // 2) + ["b"] * (number // 2)}


def test_changes_by_hand():
    dense = population([[1] * 10 + [1] * 8 + [0] * 2] * 2)
    pruned = population([[1] * 10 + [1] * 3 + [0] * 7, [1] * 10 + [1] * 5 + [0] * 5])
    found = by_name(changes(slices_of(halves()), dense, pruned))
    lost = found["genre", "b"]
    assert (lost.examples, lost.dense, lost.pruned) == (10, pytest.approx(0.8), pytest.approx(0.4))
    assert lost.change == pytest.approx(-0.4)
    assert lost.relative_change == pytest.approx(-0.4 + 0.2)
    assert found["genre", "a"].relative_change == pytest.approx(0.2)
    assert lost.null == 0


def test_welch_is_scipys():
    generator = np.random.default_rng(0)
    first, second = generator.normal(0, 1, 5), generator.normal(1, 3, 7)
    assert welch(first, second) == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)


def test_welch_by_hand():
    """t = (3 - 1) / sqrt(1/3 + 1/3), with 4 degrees of freedom."""
    expected = 2 * stats.t.sf(2 / np.sqrt(2 / 3), 4)
    assert welch(np.array([0.0, 1, 2]), np.array([2.0, 3, 4])) == pytest.approx(expected)


@pytest.mark.parametrize(("first", "second"), [([1.0], [0.5, 0.7]), ([0.3, 0.3], [0.5, 0.5])])
def test_without_a_spread_there_is_no_test(first, second):
    assert welch(np.array(first), np.array(second)) is None


def test_p_values_are_corrected_for_the_number_of_slices():
    generator = np.random.default_rng(0)
    dense, pruned = (population(generator.integers(0, 2, (5, 300))) for _ in range(2))
    found = changes(slices_of({"genre": [f"g{n % 12}" for n in range(300)]}), dense, pruned)
    assert len(found) == 12
    expected = stats.false_discovery_control([one.p for one in found])
    assert [one.p_corrected for one in found] == pytest.approx(expected)


def test_a_planted_loss_comes_first_and_is_clear():
    generator = np.random.default_rng(1)
    dense, pruned = (generator.random((5, 1000)) < 0.8 for _ in range(2))
    pruned[:, 400:500] = generator.random((5, 100)) < 0.4
    columns = {"tenth": [f"t{n // 100}" for n in range(1000)], "length": list(range(1000))}
    first, *others = changes(slices_of(columns), population(dense), population(pruned))
    assert (first.column, first.value) == ("tenth", "t4")
    assert first.p_corrected < 0.01
    assert first.interval[0] < first.relative_change < first.interval[1] < -first.null
    tenths = [one for one in others if one.column == "tenth"]
    assert sum(one.interval[0] <= 0.036 <= one.interval[1] for one in tenths) >= 8  # what all others seem to gain


def test_intervals_are_as_wide_as_the_error_of_the_mean():
    """Of independent examples and many models: 1.96 standard errors of a slice, less what it shares with the whole."""
    generator = np.random.default_rng(0)
    dense = population(np.zeros((40, 2000)))
    pruned = population(np.tile(generator.normal(0, 1, 2000), (40, 1)))
    first = changes(slices_of(halves(2000)), dense, pruned)[0]
    expected = 1.96 / np.sqrt(1000) * np.sqrt(0.5)
    assert first.interval[1] - first.interval[0] == pytest.approx(2 * expected, rel=0.1)


def test_the_null_covers_models_of_one_kind():
    generator = np.random.default_rng(0)
    scores = generator.random((12, 2000)) < 0.8
    found = changes(slices_of(halves(2000)), population(scores[:6]), population(scores[6:]))
    assert all(abs(one.relative_change) <= 1.5 * one.null for one in found)


def test_numbers_are_parted_at_their_quartiles():
    found = slices_of({"length": list(range(1, 101))})
    assert [one.value for one in found] == ["1 to 25", "26 to 50", "51 to 75", "76 to 100"]
    assert [int(one.members.sum()) for one in found] == [25] * 4


def test_equal_numbers_stay_together():
    found = slices_of({"overlap": [1.0] * 60 + [0.25] * 20 + [0.5] * 20})
    assert [one.value for one in found] == ["0.25 to 0.5", "1"]


@pytest.mark.parametrize(
    "values", [["same"] * 50, [f"v{n}" for n in range(50)], [1] * 50], ids=["one text", "too many texts", "one number"]
)
def test_what_parts_nothing_gives_no_slices(values):
    assert slices_of({"column": values}) == []


def test_few_examples_are_no_slice():
    assert [one.value for one in slices_of({"genre": ["a"] * 20 + ["b"] * 9})] == ["a"]


def test_single_models_have_changes_and_no_tests():
    one = population([[1.0] * 10 + [0.0] * 10])
    found = changes(slices_of(halves()), one, one)
    assert [(x.p, x.p_corrected, x.null) for x in found] == [(None, None, None)] * 2
    assert [x.relative_change for x in found] == [0, 0]
