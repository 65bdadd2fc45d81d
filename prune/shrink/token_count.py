"""How many tokens a key/value cache holds, where an attention has no heads.

transformers reads that number, and with it positions and masks, from the first layer's keys, unless they hold no
number: then it takes the layer for empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from transformers import Cache, EncoderDecoderCache
from transformers.cache_utils import DynamicLayer


class CountingLayer(DynamicLayer):
    """A layer of the cache that knows its length even where its keys (batch, 0, tokens, size) hold no number."""

    @classmethod
    def of(cls, layer: DynamicLayer) -> CountingLayer:
        """A counting layer with the content of `layer`."""
        counting = cls()
        vars(counting).update(vars(layer))
        return counting

    def get_seq_length(self) -> int:
        """Number of tokens."""
        keys = self.keys
        return 0 if keys is None or keys.dim() == 1 else int(keys.shape[-2])  # `[]` before the first keys


def keep_counting(attention: nn.Module) -> None:
    """Lets caches count the tokens that go through an `attention` without heads."""
    attention.register_forward_pre_hook(_let_count, with_kwargs=True)


def _let_count(_attention: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for value in (*args, *kwargs.values()):
        for cache in _caches(value):
            cache.layers = [CountingLayer.of(one) if type(one) is DynamicLayer else one for one in cache.layers]
            if cache.layer_class_to_replicate is DynamicLayer:
                cache.layer_class_to_replicate = CountingLayer


def _caches(value: Any) -> Iterator[Cache]:
    if isinstance(value, EncoderDecoderCache):
        yield from (value.self_attention_cache, value.cross_attention_cache)
    elif isinstance(value, Cache):
        yield value
