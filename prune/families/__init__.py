"""Families: where the prunable layers of an architecture are.

One file = one family. The file's name is `config.model_type`; it assigns `FAMILY`, names and places, no logic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Variant:
    """Other input matrices, where config.json says so."""

    key: str
    """Key of config.json; it may be absent."""
    pattern: str
    """What its value looks like, as a file name's pattern: `gated-*`."""
    inputs: tuple[str, ...]
    """Takes the place of `Place.inputs`."""


@dataclass(frozen=True)
class SharedBias:
    """A bias on attention scores, with an entry per head, that the first layer computes and hands on to the others.

    All names are those of the attention module's code.
    """

    argument: str
    """Keyword of `forward` with the bias (1, heads, queries, keys); None: not computed yet."""
    output: int
    """Where the bias stands among the outputs."""
    table: str
    """Submodule that only the attention which computes the bias holds. It keeps all heads."""
    compute: str
    """Method (queries, keys, device, past_seen_tokens) -> bias."""


@dataclass(frozen=True)
class Place:
    """One sublayer within its layer; module names are relative to the layer."""

    site: str
    """`attention` or `feed_forward`."""
    inputs: tuple[str, ...]
    """Linear modules whose output features are the inner units."""
    output: str
    """Linear module whose input features are the inner units."""
    units: str
    """Key of config.json with the number of inner units."""
    unit_size: str = ""
    """Key of config.json with the size of a head; absent: the width of the residual stream / the number of heads."""
    counts: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the modelling code to update after removal: name -> `units` or `width`."""
    name: str = ""
    """Name of the sublayer where a layer has several of one site."""
    variants: tuple[Variant, ...] = ()
    """The first that fits the model's config counts."""
    shared_bias: SharedBias | None = None
    """The bias that this attention takes and hands on."""


@dataclass(frozen=True)
class Stack:
    """A list of equal layers."""

    layers: str
    """Module list, relative to the base model."""
    num_layers: str
    """Key of config.json with the number of layers."""
    hidden: str
    """Key of config.json with the width of the residual stream."""
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Family:
    """One architecture."""

    stacks: tuple[Stack, ...]
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    """Keys that config.json may lack -> key whose value holds then."""

    def keys(self) -> set[str]:
        """Keys that config.json must hold."""
        places = [place for stack in self.stacks for place in stack.places]
        of_stacks = {key for stack in self.stacks for key in (stack.num_layers, stack.hidden)}
        of_places = {key for place in places for key in (place.units, place.unit_size) if key}
        return (of_stacks | of_places) - set(self.fallbacks) | set(self.fallbacks.values())
