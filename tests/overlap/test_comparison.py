"""Configurations and runs compared each with each."""

import itertools

import numpy as np
import pytest

from prune.overlap.comparison import DIFFERENT, SAME, Member, Run, compared, without_closed
from prune.overlap.jaccard import Mask
from prune.overlap.kept import DIMENSIONS, HEADS, WEIGHTS, Kept, Place

LAYERS = ("layer 0", "layer 1")


def mask(*kept):
    return {"": Mask.of(np.array(kept, dtype=bool))}


def heads(*of_layers):
    return Kept({Place(layer, "attention"): mask(*kept) for layer, kept in zip(LAYERS, of_layers, strict=False)})


def member(name, *kept, seeds=None):
    return Member(name, "small", [Run(seed, one) for seed, one in zip(seeds or itertools.count(), kept, strict=False)])


A = heads((1, 1, 0, 0), (1, 0, 0, 0))
B = heads((1, 0, 1, 0), (1, 0, 0, 0))
C = heads((0, 0, 1, 1), (0, 1, 1, 1))


def test_pairs_of_seeds_within_and_between_configurations():
    (found,) = compared([member("one", A, B), member("other", C)], HEADS)
    assert (found.members, found.runs) == (["one", "other"], [2, 1])
    within, between = found.at(0, 0), found.at(1, 0)
    assert (within.figures.pairs, within.figures.jaccard) == (1, (1 + 1) / (3 + 1))
    assert between.figures.pairs == 2
    assert between.figures.jaccard == pytest.approx((0 / 8 + 1 / 7) / 2)
    both = 2 * 2 / 4 + 1 * 3 / 4
    assert between.figures.expected == pytest.approx(both / (3 + 5 - both))
    assert between.figures.excess == pytest.approx(between.figures.jaccard - between.figures.expected)
    assert found.at(1, 1) is None
    assert found.at(0, 1) == between


def test_layer_by_layer():
    (found,) = compared([member("one", A), member("other", B)], HEADS)
    first, second = found.at(0, 1).layers
    assert (first.layer, first.site, first.figures.jaccard) == ("layer 0", "attention", pytest.approx(1 / 3))
    assert (second.layer, second.figures.jaccard) == ("layer 1", 1)


def test_pairs_are_chosen_by_their_seeds():
    members = [member("one", A, B, seeds=(0, 1)), member("other", A, C, seeds=(0, 1))]
    same, different = (compared(members, HEADS, seeds)[0] for seeds in (SAME, DIFFERENT))
    assert same.at(0, 0) is None
    assert same.at(0, 1).figures.pairs == different.at(0, 1).figures.pairs == 2
    assert same.at(0, 1).figures.jaccard == pytest.approx((1 + 1 / 7) / 2)
    assert different.at(0, 1).figures.jaccard == pytest.approx((0 + 2 / 4) / 2)


def test_models_of_several_shapes_are_kept_apart():
    larger = heads((1, 1, 0, 0, 1), (1, 0, 0, 0, 1))
    one_layer = heads((1, 1, 0, 0))
    found = compared([member("a", A), member("b", larger, larger), member("c", B), member("d", one_layer)], HEADS)
    assert [one.members for one in found] == [["a", "c"], ["b"], ["d"]]
    assert [len(one.pairs) for one in found] == [1, 1, 0]


def test_members_without_anything_to_compare_are_left_out():
    whole = heads((1, 1, 1, 1), (1, 1, 1, 1))
    (found,) = compared([member("whole", whole, whole), member("a", A), member("b", B)], HEADS)
    assert found.at(0, 0).figures.jaccard is None
    assert found.at(0, 1).figures.jaccard is None
    left = without_closed(found)
    assert (left.members, left.runs) == (["a", "b"], [1, 1])
    assert left.at(0, 1).figures == found.at(1, 2).figures
    (closed,) = compared([member("whole", whole), member("too", whole)], HEADS)
    assert without_closed(closed).members == []


def test_of_what_no_run_holds_there_is_no_comparison():
    assert compared([member("one", A), member("other", B)], DIMENSIONS) == []
    assert compared([member("one", A), member("other", B)], WEIGHTS) == []


def test_a_layer_that_was_left_out_keeps_none_of_its_weights():
    place = Place("layer 0", "attention"), Place("layer 1", "attention")
    matrices = {"query": Mask.of(np.array([[1, 0], [0, 1]], dtype=bool))}
    whole = Kept(A.units, {place[0]: matrices, place[1]: matrices})
    shallow = Kept(A.units, {place[0]: matrices, place[1]: {}})
    (found,) = compared([member("whole", whole), member("shallow", shallow)], WEIGHTS)
    assert found.at(0, 1).figures.jaccard == 2 / 4
    assert [layer.figures.jaccard for layer in found.at(0, 1).layers] == [1, None]
