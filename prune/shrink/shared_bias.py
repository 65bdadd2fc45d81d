"""A bias on attention scores that one layer computes for all heads and hands on (T5's relative positions).

Layers that keep different heads need different parts of it. So every attention that lost heads takes its own heads'
part, and hands on the whole that it was given.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn
from transformers import Cache

from prune.families import SharedBias

_WHOLE = "bias_of_all_heads"
"""Keyword under which the whole bias passes through the attention; hooks that hold no state are safe in threads."""


def keep_heads(attention: nn.Module, bias: SharedBias, heads: Tensor) -> None:
    """Gives `attention`, which keeps the dense model's `heads` only, their part of the bias."""
    attention.register_buffer("kept_heads", heads, persistent=False)
    attention.register_forward_pre_hook(partial(_take_own, bias), with_kwargs=True)
    attention.register_forward_hook(partial(_hand_on_whole, bias), with_kwargs=True)


def _take_own(
    bias: SharedBias, attention: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    whole = kwargs.get(bias.argument)
    if whole is None and hasattr(attention, bias.table):
        whole = _computed(bias, attention, args, kwargs)
    own = None if whole is None else whole.index_select(1, attention.kept_heads)
    return args, {**kwargs, bias.argument: own, _WHOLE: whole}


def _hand_on_whole(
    bias: SharedBias, _attention: nn.Module, _args: Any, kwargs: dict[str, Any], outputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    return (*outputs[: bias.output], kwargs[_WHOLE], *outputs[bias.output + 1 :])


def _computed(bias: SharedBias, attention: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """The bias of all heads, for the tokens in the cache and those that come now."""
    hidden = args[0] if args else kwargs["hidden_states"]
    past, queries = 0, hidden.shape[1]
    keys = queries
    for cache in (value for value in kwargs.values() if isinstance(value, Cache)):
        past = cache.get_seq_length(attention.layer_idx)
        keys, _ = cache.get_mask_sizes(queries, attention.layer_idx)
    result: Tensor = getattr(attention, bias.compute)(queries, keys, device=hidden.device, past_seen_tokens=past)
    return result
