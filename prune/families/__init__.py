"""Families: where the prunable layers of an architecture are.

One file = one family. The file's name is `config.model_type`; it assigns `FAMILY`, names and places, no logic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    counts: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the modelling code to update after removal: name -> `units` or `width`."""
    name: str = ""
    """Name of the sublayer where a layer has several of one site."""


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

    def keys(self) -> set[str]:
        """Keys that config.json must hold."""
        stacks = {key for stack in self.stacks for key in (stack.num_layers, stack.hidden)}
        return stacks | {place.units for stack in self.stacks for place in stack.places}
