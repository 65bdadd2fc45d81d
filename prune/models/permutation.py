"""Layers of a model that change places: what is learned in each is kept, where it stands is lost."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from prune.errors import UserError
from prune.models.architecture import family_of, layers_of


@torch.no_grad()
def permute_layers(model: PreTrainedModel, generator: torch.Generator) -> dict[str, str]:
    """Gives each layer the weights of another one of the same shape, at random; no layer keeps its own.

    Returns:
        Name of each layer -> the one whose weights it has now, relative to the base model.

    Raises:
        UserError: if no two layers have the same shape.
    """
    places: dict[str, str] = {}
    base = model.base_model
    for alike in _equal_layers(model):
        sources = _cycle(len(alike), generator)
        weights = [{name: values.clone() for name, values in base.get_submodule(n).state_dict().items()} for n in alike]
        for layer, source in zip(alike, sources, strict=True):
            base.get_submodule(layer).load_state_dict(weights[source])
            places[layer] = alike[source]
    return places


def _equal_layers(model: PreTrainedModel) -> list[list[str]]:
    """Names of layers of the same shape, two or more."""
    groups: dict[object, list[str]] = {}
    for stack in family_of(model.config).stacks:
        for name in layers_of(stack, model.base_model):
            groups.setdefault((stack.layers, _shape(model.base_model.get_submodule(name))), []).append(name)
    alike = [names for names in groups.values() if len(names) > 1]
    if not alike:
        raise UserError(
            f"method.control=layers_permuted: a {model.config.model_type} has no two layers of the same shape"
        )
    return alike


def check_permutable(model: PreTrainedModel) -> None:
    """Raises a UserError where no two layers have the same shape; the model may be on the device `meta`."""
    _equal_layers(model)


def _shape(layer: nn.Module) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, tuple(values.shape)) for name, values in layer.state_dict().items())


def _cycle(number: int, generator: torch.Generator) -> list[int]:
    """A random order of so many, in one cycle: none stays in its place."""
    order = torch.randperm(number, generator=generator).tolist()
    following = dict(zip(order, [*order[1:], order[0]], strict=True))
    return [following[place] for place in range(number)]
