"""Families: where the prunable layers of an architecture are.

One file = one family. The file's name is `config.model_type`; it assigns `FAMILY`, names and places, no logic. Sizes
are read off the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prune.errors import UserError
from prune.runtime import registry
from prune.runtime.sanitize import quoted


@dataclass(frozen=True)
class SharedBias:
    """A bias on attention scores, with an entry per head, that is computed once for all heads of all layers.

    All names are those of the attention module's code.
    """

    argument: str
    """Argument of `forward` with the bias (1, heads, queries, keys)."""
    output: int | None = None
    """Where the bias stands among the outputs, if each layer hands it on to the next."""
    table: str = ""
    """Submodule of the one attention that computes the bias when it is given None; it keeps all heads."""
    compute: str = ""
    """That attention's method (queries, keys, device, past_seen_tokens) -> bias."""


@dataclass(frozen=True)
class Place:
    """One sublayer within its layer; names are relative to the layer."""

    site: str
    """`attention` or `feed_forward`."""
    inputs: tuple[str, ...]
    """Modules whose output features are the inner units: those of them that the model has."""
    output: str
    """Module whose input features are the inner units."""
    head_size: str = ""
    """Attribute of the modelling code with the size of a head."""
    counts: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the modelling code to update after removal: name -> `units`, or `width` (of the output matrix)."""
    parts: int = 1
    """How many matrices each input module holds, one above the other: 3 where it gives query, key and value."""
    followers: tuple[str, ...] = ()
    """Modules whose output features belong to the units, too, but which are not pruned by themselves."""
    name: str = ""
    """Name of the sublayer where a layer has several of one site."""
    shared_bias: SharedBias | None = None
    """The bias that this attention takes."""
    width: str = ""
    """Key of config.json with the number of units, which all sublayers with this key share."""
    left_out_without_heads: bool = True
    """Whether an attention of no heads gives the bias of its output, and nothing more; else it is computed."""
    tokenwise_from: str = ""
    """Of an attention: the module from which on its layer handles each token by itself; it is given (batch, tokens,
    width) by position, the residual stream, too. Where the head of sequence classifiers reads the first token only."""


def attention(
    module: str,
    inputs: tuple[str, ...],
    output: str,
    head_size: str,
    heads: str = "",
    widths: tuple[str, ...] = (),
    followers: tuple[str, ...] = (),
    **more: Any,
) -> Place:
    """The place of an attention: all names but `module` and `output` are relative to the module `module`.

    `heads` and `widths`: attributes with the number of heads, and with heads x head size. Where queries share keys and
    values, `heads` is the attribute with the number of keys' heads; code that keeps the number of query heads as well
    is not covered.
    """
    counts = {heads: "units"} if heads else {}
    counts |= dict.fromkeys(widths, "width")
    return Place(
        site="attention",
        inputs=tuple(f"{module}.{name}" for name in inputs),
        output=output,
        head_size=f"{module}.{head_size}",
        counts={f"{module}.{name}": meaning for name, meaning in counts.items()},
        followers=tuple(f"{module}.{name}" for name in followers),
        **more,
    )


def feed_forward(*inputs: str, output: str, width: str = "intermediate_size", parts: int = 1) -> Place:
    """The place of a feed-forward layer; several inputs: those that the model has."""
    return Place(site="feed_forward", inputs=inputs, output=output, width=width, parts=parts)


@dataclass(frozen=True)
class Stack:
    """Equal layers."""

    layers: str
    """Their names, relative to the base model: `encoder.layer.*`."""
    places: tuple[Place, ...]
    depth: str = ""
    """Key of config.json with the number of layers; empty where none can be left out."""
    kinds: str = ""
    """Key of config.json with a list of the layers' kinds, if layers are of several."""
    tokens_know_positions: bool = False
    """Whether a token has its position in its vector alone, so that between layers others can be left out."""


@dataclass(frozen=True)
class Family:
    """One architecture."""

    stacks: tuple[Stack, ...]


def family_of_type(model_type: str) -> Family:
    """The family of models whose config.json has this `model_type`.

    Raises:
        UserError: if there is none, with how to add it.
    """
    try:
        found: Family = registry.module("families", model_type).FAMILY
    except registry.UnknownPart as error:
        raise UserError(
            f"model_type {quoted(model_type)} is not one of the families: {', '.join(registry.names('families'))}. "
            "About twenty lines add it: see docs/extending.md, A model family"
        ) from error
    return found
