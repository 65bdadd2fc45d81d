"""Layer dropping: whole layers are left out before training starts (Sajjad et al. 2020, `Poor Man's BERT`).

Unlike the removal of empty heads and dimensions, it changes the function at once, so it comes before fine-pruning,
which repairs it. What is left is a usual, shallower model: nothing that follows knows of the layers left out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `Depth` alone is read where no network is built
    from transformers import PreTrainedConfig, PreTrainedModel

    from prune.models.families import Stack


@dataclass(frozen=True)
class Depth:
    """Which layers of the dense model stay; none is named where all do."""

    kept: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Stack (`encoder.layer.*`) -> numbers of the layers that stay, in the dense model."""
    dense: Mapping[str, Any] = field(default_factory=dict)
    """What config.json of the dense model says where the shallower one's differs."""

    def dense_name(self, name: str) -> str:
        """The name that the module or parameter `name` (relative to the base model) has in the dense model."""
        for stack, kept in self.kept.items():
            before = stack.removesuffix("*")
            if found := re.match(rf"{re.escape(before)}(\d+)", name):
                return f"{before}{kept[int(found[1])]}{name[found.end() :]}"
        return name

    def knows(self, name: str) -> bool:
        """Whether it says which of the dense model's layers the one with `name` is."""
        try:
            self.dense_name(name)
        except IndexError:
            return False
        return True

    def dense_config(self, config: PreTrainedConfig) -> PreTrainedConfig:
        """The dense model's config, given that of the shallower one."""
        return _changed(config, self.dense)

    def check(self, config: PreTrainedConfig) -> None:
        """That it tells of layers and of nothing else, and of those that the shallower model of `config` has.

        Raises:
            ValueError: if it does not.
        """
        from prune.models.architecture import family_of

        stacks = {stack.layers: stack for stack in family_of(config).stacks if stack.depth}
        if unknown := sorted(self.kept.keys() - stacks):
            raise ValueError(f"layers: {unknown[0]!r} is none of {', '.join(stacks)}")
        for stack in stacks.values():
            self._check_stack(stack, config)
        keys = {key for name in self.kept for key in (stacks[name].depth, stacks[name].kinds) if key}
        if self.dense.keys() != keys:
            raise ValueError(f"dense: names {sorted(self.dense)}, not {sorted(keys)}")

    def _check_stack(self, stack: Stack, config: PreTrainedConfig) -> None:
        kept = self.kept.get(stack.layers)
        if kept is None:
            return
        number, kinds = self.dense.get(stack.depth), self.dense.get(stack.kinds)
        if type(number) is not int or len(kept) != getattr(config, stack.depth) or not kept or not kept[-1] < number:
            raise ValueError(f"layers: {stack.layers} keeps {len(kept)} of {number} layers; {stack.depth} differs")
        if stack.kinds and (
            not isinstance(kinds, list)
            or len(kinds) != number
            or [kinds[layer] for layer in kept] != getattr(config, stack.kinds)
        ):
            raise ValueError(f"dense: {stack.kinds} are not those of {number} layers, of which {stack.layers} are left")


def depth_of(config: PreTrainedConfig, share: float) -> Depth:
    """The layers of each stack that stay where a `share` of them does: evenly spread, with the first and the last."""
    from prune.models.architecture import family_of

    kept: dict[str, tuple[int, ...]] = {}
    dense: dict[str, Any] = {}
    for stack in family_of(config).stacks:
        if not stack.depth:
            continue
        number = getattr(config, stack.depth)
        layers = _evenly_spread(number, max(1, round(share * number)))
        if len(layers) < number:
            kept[stack.layers] = layers
            dense |= {key: getattr(config, key) for key in (stack.depth, stack.kinds) if key}
    return Depth(kept, dense)


def shallower_config(config: PreTrainedConfig, depth: Depth) -> PreTrainedConfig:
    """The config of the model with the layers of `depth` only."""
    from prune.models.architecture import family_of

    changes: dict[str, Any] = {}
    for stack in family_of(config).stacks:
        if (kept := depth.kept.get(stack.layers)) is not None:
            changes[stack.depth] = len(kept)
            if stack.kinds:
                changes[stack.kinds] = [getattr(config, stack.kinds)[number] for number in kept]
    return _changed(config, changes)


def shallower(model: PreTrainedModel, depth: Depth) -> PreTrainedModel:
    """`model` with the layers of `depth` only, their weights copied."""
    found = type(model)(shallower_config(model.config, depth))
    base = next(name for name, module in found.named_modules() if module is found.base_model)
    start = f"{base}." if base else ""
    weights = model.state_dict()
    found.load_state_dict(
        {
            name: weights[start + depth.dense_name(name.removeprefix(start)) if name.startswith(start) else name]
            for name in found.state_dict()
        }
    )
    if found.can_generate():
        found.generation_config = model.generation_config
    found.train(model.training)
    return found


def _evenly_spread(number: int, wanted: int) -> tuple[int, ...]:
    if wanted == 1:
        return (0,)
    return tuple(index * (number - 1) // (wanted - 1) for index in range(wanted))


def _changed(config: PreTrainedConfig, values: Mapping[str, Any]) -> PreTrainedConfig:
    found = copy.deepcopy(config)
    for key, value in values.items():
        setattr(found, key, value)
    return found
