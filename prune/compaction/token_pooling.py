"""Pooling of tokens: after a layer fewer vectors go on. A pruned model needs this file to load, beside the other one.

It needs torch only. The first token goes on as it is, in its place; of the n - 1 others of an example, ceil(keep *
(n - 1)) go on. Tokens of padding are never among them, so that nothing depends on how far a batch is padded.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import ceil, log2
from typing import Any

import torch
from torch import Tensor, nn

_BASE = 20.0
"""Of the powers with which a tournament weighs two tokens (Pietruszka et al. 2022)."""
_LARGEST_DENOMINATOR = 1000


def tokens_left(tokens: Any, keep: float) -> Any:
    """How many go on where there are so many `tokens` (a number, or a tensor), the first one included."""
    share = Fraction(keep).limit_denominator(_LARGEST_DENOMINATOR)
    return 1 + ((tokens - 1) * share.numerator + share.denominator - 1) // share.denominator


# Operators. Each takes, of all tokens but the first, their vectors (examples, positions, width) and scores (examples,
# positions); of each example, how many of the positions are no padding and how many go on; and the share that does. It
# gives vectors (examples, positions that are left, width), of which the first count, as many as go on.


def top_k(vectors: Tensor, scores: Tensor, tokens: Tensor, kept: Tensor, keep: float) -> Tensor:
    """The vectors of the highest scores, in the order of the text.

    They stay as they are; backward they count as multiplied with the sigmoid of their scores, over its value, so that
    scores can be learned.
    """
    best = _best_first(scores, tokens)[:, : _positions_left(vectors, keep)]
    last = vectors.shape[1] - 1
    places = torch.where(_numbers(best) < kept.unsqueeze(1), best, last).sort(1).values
    gates = torch.sigmoid(scores.gather(1, places)).unsqueeze(2)
    return _gathered(vectors, places) * (gates / gates.detach())


def successive_halving(vectors: Tensor, scores: Tensor, tokens: Tensor, kept: Tensor, keep: float) -> Tensor:
    """What is left of a tournament (Pietruszka et al. 2022, Sparsifying Transformer Models with Trainable
    Representation Pooling, algorithm 1).

    In each round tokens are sorted by score; the best meets the worst, the second best the second worst, and so on. Of
    each pair goes on the mean of both, weighted by the softmax with base 20 of their scores; so do scores.
    """
    strength, most = torch.sigmoid(scores), _positions_left(vectors, keep)
    for halvings in reversed(range(ceil(log2(1 / keep)))):
        order = _best_first(strength, tokens)
        vectors, strength = _gathered(vectors, order), strength.gather(1, order)
        pairs = kept * 2**halvings
        first = torch.arange(most * 2**halvings, device=vectors.device).expand(len(vectors), -1)
        second = 2 * pairs.unsqueeze(1) - 1 - first
        (one, of_one, weight), (other, of_other, against) = (
            _contestants(vectors, strength, tokens, places) for places in (first, second)
        )
        share = weight / (weight + against).clamp(min=torch.finfo(weight.dtype).tiny)
        strength = share * of_one + (1 - share) * of_other
        vectors = share.unsqueeze(2) * one + (1 - share).unsqueeze(2) * other
        tokens = torch.minimum(tokens, pairs)
    return vectors


def mean_pool(vectors: Tensor, _scores: Tensor | None, tokens: Tensor, kept: Tensor, keep: float) -> Tensor:
    """Means of neighbours, which are as many as possible everywhere (Layer-wise Token Compression, 2026)."""
    places = torch.arange(vectors.shape[1], device=vectors.device).unsqueeze(0)
    groups = places * kept.unsqueeze(1) // tokens.clamp(min=1).unsqueeze(1)
    groups = torch.where(places < tokens.unsqueeze(1), groups, -1)
    numbers = torch.arange(_positions_left(vectors, keep), device=vectors.device)
    members = (groups.unsqueeze(1) == numbers.unsqueeze(1)).to(vectors.dtype)
    return members @ vectors / members.sum(2, keepdim=True).clamp(min=1)


OPERATORS: dict[str, Callable[..., Tensor]] = {
    "top_k": top_k,
    "attention": top_k,
    "successive_halving": successive_halving,
    "mean_pool": mean_pool,
}


def _positions_left(vectors: Tensor, keep: float) -> int:
    left: int = tokens_left(vectors.shape[1] + 1, keep) - 1
    return left


def _numbers(values: Tensor) -> Tensor:
    """0, 1, 2, ... along the positions of `values` (examples, positions)."""
    return torch.arange(values.shape[1], device=values.device).expand_as(values)


def _best_first(scores: Tensor, tokens: Tensor) -> Tensor:
    """The positions (examples, positions) by falling score; of equal ones the earlier first, and padding last."""
    real = _numbers(scores) < tokens.unsqueeze(1)
    return scores.masked_fill(~real, -torch.inf).sort(dim=1, descending=True, stable=True).indices


def _gathered(vectors: Tensor, places: Tensor) -> Tensor:
    return vectors.gather(1, places.unsqueeze(2).expand(-1, -1, vectors.shape[2]))


def _contestants(vectors: Tensor, strength: Tensor, tokens: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors, scores and weights of those at `places`; weights are 0 where nobody is."""
    there = (places >= 0) & (places < tokens.unsqueeze(1))
    places = places.clamp(0, vectors.shape[1] - 1)
    strength = strength.gather(1, places)
    return _gathered(vectors, places), strength, _BASE**strength * there


# How a model pools. Hooks hold no state, so that they are safe in threads: how many tokens an example has is read off
# the mask that a layer is given, which hooks of earlier poolings have shortened.


def pool_tokens(
    base: nn.Module,
    after: str,
    keep: float,
    operator: str,
    later: list[str],
    width: int | None = None,
    attention: dict[str, Any] | None = None,
) -> None:
    """Lets a share `keep` of the tokens go on from the layer `after` of `base` to the layers `later`.

    Args:
        base: A model's base.
        after: Name of its layer, whose first output are the vectors of tokens.
        keep: The share of the tokens that this layer is given.
        operator: One of `OPERATORS`.
        later: Names of all layers after it.
        width: Of the vectors; where scores are learned, by a linear layer `token_scorer` that is added.
        attention: For the operator of this name: names of the modules `query` and `key`, and the `head_size`.
    """
    layer: Any = base.get_submodule(after)
    scores: Callable[..., Tensor | None]
    if attention is not None:
        query, key = (base.get_submodule(attention[name]) for name in ("query", "key"))
        scores = partial(_attention_received, query, key, attention["head_size"])
    elif width is not None:
        layer.token_scorer = nn.Linear(width, 1)
        scores = _learned
    else:
        scores = _none
    layer.register_forward_hook(partial(_pool, OPERATORS[operator], keep, scores), with_kwargs=True)
    for name in later:
        base.get_submodule(name).register_forward_pre_hook(partial(_shorten, "attention_mask", keep), with_kwargs=True)


def after_pooling(base: nn.Module, keeps: list[float], decoder: str) -> None:
    """Lets those who read the tokens that are left know how many they are; `keeps`: the shares of all poolings.

    A `decoder` attends to as many. Others, who may take the mean of as many vectors as there were tokens, are given the
    mean of those that are left in the places of those that are not.
    """
    if not decoder:
        base.register_forward_hook(partial(_fill_up, keeps), with_kwargs=True)
        return
    for keep in keeps:
        shorten = partial(_shorten, "encoder_attention_mask", keep)
        base.get_submodule(decoder).register_forward_pre_hook(shorten, with_kwargs=True)


def _pool(
    operator: Callable[..., Tensor],
    keep: float,
    scores: Callable[..., Tensor | None],
    layer: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    outputs: Any,
) -> Any:
    vectors = outputs[0] if isinstance(outputs, tuple) else outputs
    tokens = _tokens(_mask(args, kwargs, "attention_mask"), vectors)
    of_all = scores(layer, vectors, args, kwargs)
    others = of_all[:, 1:] if of_all is not None else None
    left = operator(vectors[:, 1:], others, tokens - 1, tokens_left(tokens, keep) - 1, keep)
    pooled = torch.cat([vectors[:, :1], left], 1)
    return (pooled, *outputs[1:]) if isinstance(outputs, tuple) else pooled


def _none(_layer: nn.Module, _vectors: Tensor, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
    return None


def _learned(layer: Any, vectors: Tensor, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Tensor:
    scores: Tensor = layer.token_scorer(vectors).squeeze(2)
    return scores


def _attention_received(
    query: nn.Module,
    key: nn.Module,
    head_size: int,
    _layer: nn.Module,
    vectors: Tensor,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor:
    """How much attention all heads and tokens pay to each token (PoWER-BERT, Goyal et al. 2020, section 3.2)."""
    given = args[0] if args else kwargs["hidden_states"]
    tokens = _tokens(_mask(args, kwargs, "attention_mask"), vectors)
    real = torch.arange(given.shape[1], device=given.device) < tokens.unsqueeze(1)
    queries, keys = (_by_head(module(given), head_size) for module in (query, key))
    logits = queries @ keys.transpose(2, 3) / head_size**0.5
    weights = logits.masked_fill(~real[:, None, None], -torch.inf).softmax(3)
    received: Tensor = (weights * real[:, None, :, None]).sum((1, 2))
    return received


def _by_head(values: Tensor, head_size: int) -> Tensor:
    """(examples, tokens, heads x head size) -> (examples, heads, tokens, head size); there may be no head."""
    examples, tokens, width = values.shape
    return values.view(examples, tokens, width // head_size, head_size).transpose(1, 2)


def _shorten(
    name: str, keep: float, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Gives a module the mask `name` of the tokens that are left."""
    mask = _mask(args, kwargs, name)
    if mask is None:
        return None  # no example is padded
    shorter = _shorter(mask, keep)
    if name in kwargs:
        return args, kwargs | {name: shorter}
    return (args[0], shorter, *args[2:]), kwargs


def _mask(args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Tensor | None:
    """The mask `name`; that of a layer's own tokens may be its second argument."""
    by_place = args[1] if name == "attention_mask" and len(args) > 1 else None
    found: Tensor | None = kwargs.get(name, by_place)
    return found


def _shorter(mask: Tensor, keep: float) -> Tensor:
    """A mask (examples, keys) or (examples, 1, queries, keys), boolean or to be added, of fewer tokens."""
    positions = tokens_left(mask.shape[-1], keep)
    left: Tensor = tokens_left(_real(mask), keep)
    real = torch.arange(positions, device=mask.device) < left.unsqueeze(1)
    if mask.dim() == 4:
        real = real[:, None, None].expand(-1, 1, positions if mask.shape[2] > 1 else 1, -1)
    if mask.dim() == 2 or mask.dtype == torch.bool:
        return real.to(mask.dtype)
    return torch.zeros(real.shape, dtype=mask.dtype, device=mask.device).masked_fill(~real, torch.finfo(mask.dtype).min)


def _tokens(mask: Tensor | None, vectors: Tensor) -> Tensor:
    """How many tokens each example has, (examples,)."""
    if mask is None:
        return torch.full((len(vectors),), vectors.shape[1], device=vectors.device)
    return _real(mask)


def _real(mask: Tensor) -> Tensor:
    """The number of keys that each example's first token attends to."""
    if mask.dim() == 2:
        return (mask > 0).sum(1)
    keys = mask[:, 0, 0]
    return (keys if keys.dtype == torch.bool else keys >= 0).sum(1)


def _fill_up(keeps: list[float], _base: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
    inputs = next(v for v in (*args, kwargs.get("input_ids"), kwargs.get("inputs_embeds")) if v is not None)
    mask = _mask(args, kwargs, "attention_mask")
    vectors = outputs[0]
    tokens = _tokens(mask, inputs)
    for keep in keeps:
        tokens = tokens_left(tokens, keep)
    real = (torch.arange(vectors.shape[1], device=vectors.device) < tokens.unsqueeze(1)).unsqueeze(2)
    mean = (vectors * real).sum(1, keepdim=True) / tokens.view(-1, 1, 1)
    mean = mean.to(vectors.dtype)
    missing = mean.expand(-1, inputs.shape[1] - vectors.shape[1], -1)
    full = torch.cat([torch.where(real, vectors, mean), missing], 1)
    if isinstance(outputs, tuple):
        return (full, *outputs[1:])
    outputs.last_hidden_state = full
    return outputs
