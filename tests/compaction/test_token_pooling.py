"""Pooling of tokens: operators against slow, plain ones, and independence of padding."""

import math

import pytest
import torch

from prune.compaction.token_pooling import OPERATORS, mean_pool, successive_halving, tokens_left, top_k

KEEPS = (0.1, 0.25, 0.34, 0.5, 0.75, 1.0)


def drawn(*, positions=13, tokens=(13, 7, 2, 0), width=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(len(tokens), positions, width, generator=generator, dtype=torch.double)
    scores = torch.randn(len(tokens), positions, generator=generator, dtype=torch.double)
    return vectors, scores, torch.tensor(tokens)


def pooled(operator, keep, vectors, scores, tokens):
    kept = tokens_left(tokens + 1, keep) - 1
    return operator(vectors, scores, tokens, kept, keep), kept


def slow_top_k(vectors, scores, kept):
    best = sorted(range(len(vectors)), key=lambda one: -scores[one])[:kept]
    return [vectors[one] for one in sorted(best)]


def slow_tournament(vectors, scores, kept):
    """One example, pair by pair."""
    left = [(torch.sigmoid(score).item(), vector) for score, vector in zip(scores, vectors, strict=True)]
    rounds = 0
    while kept * 2**rounds < len(left):
        rounds += 1
    while rounds:
        rounds -= 1
        left.sort(key=lambda one: -one[0])
        pairs = kept * 2**rounds
        met = []
        for first in range(min(pairs, len(left))):
            second = 2 * pairs - 1 - first
            if second >= len(left):
                met.append(left[first])
                continue
            weights = [20 ** left[one][0] for one in (first, second)]
            shares = [weight / sum(weights) for weight in weights]
            met.append(
                tuple(sum(s * left[o][part] for s, o in zip(shares, (first, second), strict=True)) for part in (0, 1))
            )
        left = met
    return [vector for _, vector in left]


def slow_means(vectors, _scores, kept):
    groups = [[] for _ in range(kept)]
    for place, vector in enumerate(vectors):
        groups[place * kept // len(vectors)].append(vector)
    return [torch.stack(group).mean(0) for group in groups]


SLOW = [(top_k, slow_top_k), (successive_halving, slow_tournament), (mean_pool, slow_means)]


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize(("operator", "slow"), SLOW)
def test_an_operator_does_what_a_plain_one_does(operator, slow, keep):
    vectors, scores, tokens = drawn()
    result, kept = pooled(operator, keep, vectors, scores, tokens)
    for number, count in enumerate(kept.tolist()):
        expected = slow(vectors[number, : tokens[number]], scores[number, : tokens[number]], count)
        assert len(expected) == count
        assert torch.allclose(result[number, :count], torch.stack([*expected, result[number, 0]])[:count])


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("operator", OPERATORS.values())
def test_padding_changes_nothing(operator, keep):
    vectors, scores, tokens = drawn(tokens=(9, 4))
    wide, kept = pooled(operator, keep, vectors, scores, tokens)
    narrow, _ = pooled(operator, keep, vectors[:, :9], scores[:, :9], tokens)
    for number, count in enumerate(kept.tolist()):
        assert torch.allclose(wide[number, :count], narrow[number, :count])


@pytest.mark.parametrize("operator", OPERATORS.values())
def test_all_tokens_are_the_same_up_to_their_order(operator):
    vectors, scores, tokens = drawn(tokens=(13, 13))
    result, _ = pooled(operator, 1.0, vectors, scores, tokens)
    for before, after in zip(vectors, result, strict=True):
        assert torch.equal(before[before[:, 0].argsort()], after[after[:, 0].argsort()])


def test_gradients_reach_every_score_of_a_tournament_and_those_of_kept_tokens_otherwise():
    for operator, share in ((successive_halving, 1.0), (top_k, 0.5)):
        vectors, scores, tokens = drawn(positions=12, tokens=(12,))
        scores.requires_grad_()
        pooled(operator, 0.5, vectors, scores, tokens)[0].square().sum().backward()
        assert (scores.grad != 0).double().mean() == share


def test_tokens_left_are_counted_exactly():
    assert [tokens_left(number, 0.1) for number in (1, 2, 11, 12, 31)] == [1, 2, 2, 3, 4]
    assert tokens_left(torch.tensor([1, 3, 4]), 0.5).tolist() == [1, 2, 3]
    assert tokens_left(128, 0.34) == 1 + math.ceil(127 * 0.34)
