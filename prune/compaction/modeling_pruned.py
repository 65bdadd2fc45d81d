"""Gives a transformers model fewer heads and dimensions; this is what a pruned model needs to load.

It needs torch and transformers only. A copy lies beside the weights of every pruned model, so that
`AutoModel….from_pretrained(folder, trust_remote_code=True)` loads it where nothing else is installed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import MethodType
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer, EncoderDecoderCache
from transformers.models.auto import modeling_auto

from .token_pooling import after_pooling, pool_tokens


@functools.cache
def __getattr__(name: str) -> Any:
    """The pruned form of the model class `name` of transformers, which `auto_map` in config.json refers to.

    It has the same name, by which pipelines know what a model can do.
    """
    model_class: Any = getattr(transformers, name, None)
    if not (isinstance(model_class, type) and issubclass(model_class, PreTrainedModel)):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    class Pruned(model_class):  # type: ignore[misc]
        def __init__(self, config: Any, *args: Any, **kwargs: Any):
            super().__init__(config, *args, **kwargs)
            take_shape(self.base_model, [one for one in config.pruned_shape if _concerns(one, self)])
            self.init_weights()  # those of the new layers; of none while others are read from a file
            self.config.auto_map = auto_map(type(config))

    Pruned.__name__ = Pruned.__qualname__ = name
    for auto_class, reference in auto_map(model_class.config_class).items():
        if reference.endswith(f".{name}"):
            Pruned.register_for_auto_class(auto_class)  # so that save_pretrained copies this file
    return Pruned


def auto_map(config_class: Any) -> dict[str, str]:
    """Name of an auto class -> where its model for configs of this class is found, beside the weights."""
    found = {}
    for name, auto_class in vars(modeling_auto).items():
        mapping = getattr(auto_class, "_model_mapping", None)
        if name.startswith("AutoModel") and mapping is not None and config_class in mapping:
            found[name] = f"{Path(__file__).stem}.{mapping[config_class].__name__}"
    return found


def reads_first_token(name: str) -> bool:
    """Whether the class `name`, of models or of transformers' auto classes, may have a head that reads no other."""
    return name.endswith("ForSequenceClassification")


def _concerns(entry: dict[str, Any], model: PreTrainedModel) -> bool:
    """Whether an entry of the shape is for `model`, which may have an encoder alone, or read all tokens."""
    if "first_token" in entry:
        return reads_first_token(type(model).__name__)
    return all(hasattr(model.base_model, name.partition(".")[0]) for name in entry.get("linear", {}))


def take_shape(base: nn.Module, shape: list[dict[str, Any]]) -> None:
    """Replaces layers of `base` by smaller ones, whose weights are not set yet.

    Each entry of `shape`, one per sublayer that lost units, holds
        linear: name of a module -> [output features, input features];
        counts: name of an attribute of the modelling code -> its new value;
        attention: for attentions, what they need besides: see `_adapt`.
    Or it holds
        first_token: name of the module from which on the model computes the first token only, as nothing reads others;
        tokens: after which layer fewer tokens go on, see `pool_tokens`; pooled: who reads those that do.
    """
    for one in shape:
        for name, (outputs, inputs) in one.get("linear", {}).items():
            base.set_submodule(name, _linear(base.get_submodule(name), outputs, inputs))
        for name, value in one.get("counts", {}).items():
            _set_count(base, name, value)
        if "attention" in one:
            _adapt(base, **one["attention"])
        if "tokens" in one:
            pool_tokens(base, **one["tokens"])
        if "pooled" in one:
            after_pooling(base, **one["pooled"])
        if "first_token" in one:
            base.get_submodule(one["first_token"]).register_forward_pre_hook(_first_token)


def _set_count(base: nn.Module, name: str, value: int) -> None:
    """Sets a number that the modelling code holds, and nothing else."""
    module, _, attribute = name.rpartition(".")
    holder = base.get_submodule(module)
    if type(vars(holder).get(attribute)) is not int or type(value) is not int:
        raise ValueError(f"pruned_shape: {name!r} is no count of the model")
    setattr(holder, attribute, value)


def _first_token(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Of each of the tensors (batch, tokens, width)."""
    return tuple(values[:, :1] for values in args)


class BiasOnly(nn.Linear):
    """What is left of an output matrix that no unit feeds: its bias. A product of nothing is no work for PyTorch, but
    other runtimes cannot read it, or take its range for a number."""

    def forward(self, input: Tensor) -> Tensor:
        """The bias (or zeros) at every position of the empty `input` (..., 0)."""
        nothing = input.new_zeros(*input.shape[:-1], self.out_features)
        return nothing if self.bias is None else nothing + self.bias


def _linear(old: Any, outputs: int, inputs: int) -> nn.Linear:
    kind = nn.Linear if inputs else BiasOnly
    layer = kind(1, 1, bias=old.bias is not None, device="meta")  # nn.Linear itself warns of sizes of 0
    layer.in_features, layer.out_features = inputs, outputs
    layer.weight = nn.Parameter(old.weight.new_empty(outputs, inputs))
    if old.bias is not None:
        layer.bias = nn.Parameter(old.bias.new_empty(outputs))
    return layer


def _adapt(
    base: nn.Module,
    module: str,
    output: str,
    heads: list[int],
    shared_bias: dict[str, Any] | None,
    left_out_without_heads: bool,
) -> None:
    """Lets the attention `module` run with those of the dense model's `heads` that it keeps."""
    attention: Any = base.get_submodule(module)
    if shared_bias is not None:
        arguments = tuple(inspect.signature(attention.forward).parameters)
        take = functools.partial(_take_own_bias, shared_bias, arguments, tuple(heads))
        attention.register_forward_pre_hook(take, with_kwargs=True)
        if shared_bias["output"] is not None:
            attention.register_forward_hook(functools.partial(_hand_on_bias, shared_bias), with_kwargs=True)
    if not heads:
        attention.register_forward_pre_hook(_let_count, with_kwargs=True)
        if left_out_without_heads:
            attention.own_output = output.removeprefix(f"{module}.") if output.startswith(f"{module}.") else ""
            attention.num_outputs = 2 if shared_bias is None or shared_bias["output"] is None else 3
            attention.forward = MethodType(_without_heads, attention)


# A bias that is computed once for all heads (relative positions of T5 and MPNet): layers that keep different heads need
# different parts of it. So each takes its own part, and hands on the whole that it was given.

_WHOLE = "bias_of_all_heads"
"""Keyword under which the whole bias passes through an attention; hooks that hold no state are safe in threads."""


def _take_own_bias(
    bias: dict[str, Any],
    arguments: tuple[str, ...],
    heads: tuple[int, ...],
    attention: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    given = dict(zip(arguments, args, strict=False)) | kwargs
    whole = given.get(bias["argument"])
    if whole is None and bias["table"] and hasattr(attention, bias["table"]):
        whole = _computed(bias, attention, given)
    if whole is not None:
        given[bias["argument"]] = whole.index_select(1, torch.tensor(heads, dtype=torch.long, device=whole.device))
    else:
        given[bias["argument"]] = None
    if bias["output"] is not None:
        given[_WHOLE] = whole
    return (), given


def _hand_on_bias(
    bias: dict[str, Any], _attention: nn.Module, _args: Any, kwargs: dict[str, Any], outputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    return (*outputs[: bias["output"]], kwargs[_WHOLE], *outputs[bias["output"] + 1 :])


def _computed(bias: dict[str, Any], attention: Any, given: dict[str, Any]) -> Tensor:
    """The bias of all heads, for the tokens in the cache and those that come now."""
    hidden = given["hidden_states"]
    past, queries = 0, hidden.shape[1]
    keys = queries
    for cache in (value for value in given.values() if isinstance(value, Cache)):
        past = cache.get_seq_length(attention.layer_idx)
        keys, _ = cache.get_mask_sizes(queries, attention.layer_idx)
    result: Tensor = getattr(attention, bias["compute"])(queries, keys, device=hidden.device, past_seen_tokens=past)
    return result


# An attention without heads. transformers reads the number of tokens in a cache, and with it positions and masks, from
# the first layer's keys, unless they hold no number: then it takes the layer for empty.


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


def _let_count(_attention: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for cache in _caches(*args, *kwargs.values()):
        cache.layers = [CountingLayer.of(one) if type(one) is DynamicLayer else one for one in cache.layers]
        if cache.layer_class_to_replicate is DynamicLayer:
            cache.layer_class_to_replicate = CountingLayer


def _caches(*values: Any) -> Iterator[Cache]:
    for value in values:
        if isinstance(value, EncoderDecoderCache):
            yield from (value.self_attention_cache, value.cross_attention_cache)
        elif isinstance(value, Cache):
            yield value


def _without_heads(attention: Any, hidden_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor | None, ...]:
    """The forward pass of an attention without heads: of its output, the bias is left; of what else it gives, None."""
    batch, tokens, _ = hidden_states.shape
    across = kwargs.get("key_value_states") is not None or kwargs.get("encoder_hidden_states") is not None
    if not across and (cache := next(_caches(*args, *kwargs.values()), None)) is not None:
        nothing = hidden_states.new_zeros(batch, 0, tokens, 1)
        cache.update(nothing, nothing, attention.layer_idx)
    nothing = hidden_states.new_zeros(batch, tokens, 0)
    outputs = attention.get_submodule(attention.own_output)(nothing) if attention.own_output else nothing
    return outputs, *[None] * (attention.num_outputs - 1)
