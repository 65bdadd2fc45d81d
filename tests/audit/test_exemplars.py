"""Exemplars by hand; a planted one is found, and none between halves of one population."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cityblock

from prune.audit.exemplars import exemplars_of, modal_labels, taxicab
from prune.audit.populations import MOST_HALVINGS, Population, halvings

LABELS = 3


def population(answers, labels):
    answers = np.array(answers)
    return Population(answers, (answers == np.array(labels)).astype(float))


def like_dense(models, labels, generator, accuracy=0.9):
    """Models that are right so often, independently of each other."""
    answers = np.where(
        generator.random((models, len(labels))) < accuracy, labels, generator.integers(0, LABELS, (models, len(labels)))
    )
    return population(answers, labels)


def test_by_hand():
    labels = [0, 0, 1, 2]
    dense = population([[0, 0, 1, 2], [0, 0, 1, 1], [0, 1, 1, 2]], labels)
    pruned = population([[0, 1, 1, 2], [0, 1, 2, 0], [0, 1, 1, 0]], labels)
    found = exemplars_of(dense, pruned, LABELS)
    assert found.chosen.tolist() == [False, True, False, True]
    assert found.distances == pytest.approx([0, 4 / 3, 2 / 3, 4 / 3])
    assert found.dense_shares[3] == pytest.approx([0, 1 / 3, 2 / 3])
    assert found.pruned_shares[3] == pytest.approx([2 / 3, 0, 1 / 3])


def test_the_null_by_hand():
    """Of three models each stands once against the two others."""
    dense = population([[0, 0], [0, 0], [1, 0]], [0, 0])
    null = exemplars_of(dense, dense, 2).null
    assert (null.halvings, null.sizes) == (3, (1, 2))
    # the first example: 0 | 0 1 (a tie, which goes to the last label), 0 | 0 1, 1 | 0 0; each an exemplar
    assert (null.modal, null.modal_most) == (1, 1)
    # distances: 1, 1, 2 of the first example, 0 of the second
    assert null.distance == pytest.approx((1 + 1 + 2) / 6)


def test_of_equally_frequent_labels_the_last_counts():
    assert modal_labels(np.array([[0.5, 0.5, 0.0], [0.2, 0.4, 0.4], [0.6, 0.2, 0.2]])).tolist() == [1, 2, 0]


def test_the_distance_is_scipys():
    shares = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 20))
    expected = [cityblock(first, second) for first, second in zip(*shares, strict=True)]
    assert taxicab(*shares) == pytest.approx(expected)


def test_a_planted_exemplar_is_found_and_no_other():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, LABELS, 200)
    dense, pruned = (like_dense(7, labels, generator, accuracy=1.0) for _ in range(2))
    answers = pruned.answers.copy()
    answers[:, 17] = (labels[17] + 1) % LABELS
    found = exemplars_of(dense, population(answers, labels), LABELS)
    assert np.flatnonzero(found.chosen).tolist() == [17]
    assert found.distances[17] == 2
    assert found.null.modal == 0
    assert found.null.matched_modal == 1


def test_none_beyond_chance_between_models_of_one_kind():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, LABELS, 3000)
    null = exemplars_of(*(like_dense(6, labels, generator, 0.7) for _ in range(2)), LABELS).null
    assert null.modal > 20
    assert null.matched_modal == pytest.approx(null.modal, rel=0.1)
    assert null.matched_distance == pytest.approx(null.distance, rel=0.05)


def test_what_is_no_label_is_judged_by_its_loss():
    generator = np.random.default_rng(0)
    scores = generator.random((5, 400)) * 0.1 + 0.8
    lost = scores.copy()
    lost[:, 3] = 0.0
    answers = np.zeros(scores.shape, int)
    found = exemplars_of(Population(answers, scores), Population(answers, lost), None)
    assert found.chosen[3]
    assert found.distances[3] == pytest.approx(scores[:, 3].mean())
    assert found.null.modal is None
    assert found.dense_shares is None


@pytest.mark.parametrize("size", [2, 3, 4, 5, 9, 10])
def test_all_halvings_are_taken_once(size):
    parted = halvings(size)
    ways = math.comb(size, size // 2) / (2 if size % 2 == 0 else 1)
    assert len(parted) == ways == len({frozenset((one.first, one.second)) for one in parted})
    assert all(sorted(one.first + one.second) == list(range(size)) for one in parted)


def test_of_many_models_some_halvings_are_drawn():
    parted = halvings(30)
    assert len(parted) == MOST_HALVINGS
    assert all(len(one.first) == len(one.second) == 15 for one in parted)
    assert parted == halvings(30)
    assert halvings(1) == []
