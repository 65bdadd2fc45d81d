"""Where the sublayers of a model are, as its family's file says; their sizes are read off the model."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import get_ident

import torch
import transformers
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prune.errors import UserError
from prune.models.config_json import described
from prune.models.families import Family, Place, Stack, family_of_type
from prune.models.sublayers import Matrix, Sublayer

_MOST_PARAMETERS = 2**13
"""Tensors that a model may have; one of 400 layers has fewer."""


def new_model(config: PreTrainedConfig, auto_class: str = "AutoModel") -> PreTrainedModel:
    """A model of `config`, itself unchanged, with random weights in float32; draws from torch's global generator."""
    model: PreTrainedModel = getattr(transformers, auto_class).from_config(
        copy.deepcopy(config), dtype=torch.float32, trust_remote_code=False
    )
    return model


def skeleton(config: PreTrainedConfig, auto_class: str = "AutoModel") -> PreTrainedModel:
    """The unpruned model of `config` without numbers: on the device `meta`; without its head if no class is named.

    Raises:
        UserError: if there is no such model.
    """
    return without_numbers(config, lambda: new_model(config, auto_class))


def without_numbers(
    config: PreTrainedConfig, build: Callable[[], PreTrainedModel], most: int = _MOST_PARAMETERS
) -> PreTrainedModel:
    """What `build` makes of `config`, on the device `meta`: whatever its widths, it takes no memory.

    It has at most `most` parameters, of which tied ones count twice.

    Raises:
        UserError: if it cannot be made, or would have more layers than any model.
    """

    def counted() -> PreTrainedModel:
        with torch.device("meta"), _at_most(most):
            model = build()
        if empty := next((name for name, values in model.named_parameters() if not values.numel()), None):
            raise ValueError(f"{empty} would hold no number")
        return model

    return described(f"{config.name_or_path or config.model_type}: config.json", counted)


_POSITIONS = ("position_embeddings", "embed_positions", "wpe")
"""Names of tables with a row for each position."""


def longest_input(config: PreTrainedConfig) -> int | None:
    """How many tokens a model of `config` can read, by its tables of positions; None where it has none.

    Raises:
        UserError: if there is no such model.
    """
    lengths = [
        table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1) - getattr(table, "offset", 0)
        for name, table in skeleton(config).named_modules()
        if isinstance(table, nn.Embedding) and name.rpartition(".")[2] in _POSITIONS
    ]
    return min(lengths, default=None)


@contextmanager
def _at_most(parameters: int) -> Iterator[None]:
    """Ends the building of a model that has more."""
    thread, left = get_ident(), iter(range(parameters))

    def count(_module: nn.Module, _name: str, _parameter: nn.Parameter) -> None:
        if get_ident() == thread and next(left, None) is None:
            raise ValueError(f"it has more layers than {parameters} parameters are enough for")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def family_of(config: PreTrainedConfig) -> Family:
    """Where a model's layers are.

    Raises:
        UserError: if the model's family is not known.
    """
    return family_of_type(config.model_type)


def sublayers_of(model: PreTrainedModel) -> list[Sublayer]:
    """All sublayers of an unpruned model, first layer first; it may be on the device `meta`.

    Raises:
        UserError: if the model's family is not known, or is not built as its family's file says.
    """
    family = family_of(model.config)
    try:
        found = list(_found(family, model.base_model))
        if not found:
            raise ValueError("it has no sublayer where the family says")
    except (ValueError, AttributeError, TypeError, ZeroDivisionError) as error:
        name = model.config.name_or_path or "this model"
        raise UserError(f"the family {model.config.model_type} does not fit {name}: {error}") from error
    return found


def pooler_of(model: PreTrainedModel) -> Matrix | None:
    """The matrix of the pooler, between the encoder and the head of a classifier, where the base model has one."""
    found = [
        name
        for name, module in model.base_model.named_modules()
        if "pooler" in name.split(".") and isinstance(module, nn.Linear)
    ]
    return next(_matrices(model.base_model, found[0], unit_axis=0)) if found else None


def layers_of(stack: Stack, base: nn.Module) -> list[str]:
    """The names of a stack's layers, relative to the base model."""
    pattern = re.escape(stack.layers).replace(r"\*", r"\d+")
    return [name for name, _ in base.named_modules() if re.fullmatch(pattern, name)]


def _found(family: Family, base: nn.Module) -> Iterator[Sublayer]:
    for stack in family.stacks:
        for layer in layers_of(stack, base):
            for place in stack.places:
                yield _sublayer(base, layer, place)


def _sublayer(base: nn.Module, layer: str, place: Place) -> Sublayer:
    inputs = [f"{layer}.{name}" for name in place.inputs if _has(base, f"{layer}.{name}")]
    if not inputs:
        raise ValueError(f"{layer} has no {' or '.join(place.inputs)}")
    matrices = [
        *(m for name in inputs for m in _matrices(base, name, 0, place.parts)),
        *_matrices(base, f"{layer}.{place.output}", unit_axis=1),
    ]
    follow = [f"{layer}.{name}" for name in place.followers if _has(base, f"{layer}.{name}")]
    followers = [m for name in follow for m in _matrices(base, name, unit_axis=0)]
    # One head per unit in the narrowest matrix: of grouped-query attention the keys and values.
    head_size = _number(base, f"{layer}.{place.head_size}") if place.head_size else 1
    num_units = min(matrix.width for matrix in matrices) // head_size
    return Sublayer(
        name=f"{layer}.{place.name or place.site}",
        site=place.site,
        matrices=tuple(replace(m, unit_size=m.width // num_units) for m in matrices),
        counts={f"{layer}.{name}": meaning for name, meaning in place.counts.items()},
        followers=tuple(replace(m, unit_size=m.width // num_units) for m in followers),
        shared_bias=place.shared_bias,
        width=place.width,
        left_out_without_heads=place.left_out_without_heads,
        tokenwise_from=f"{layer}.{place.tokenwise_from}" if place.tokenwise_from else "",
    )


def _matrices(base: nn.Module, name: str, unit_axis: int, parts: int = 1) -> Iterator[Matrix]:
    module = base.get_submodule(name)
    if not isinstance(module, (nn.Linear, Conv1D)):
        raise ValueError(f"{name} is a {type(module).__name__}, not a linear layer")
    transposed = isinstance(module, Conv1D)
    rows, columns = reversed(module.weight.shape) if transposed else module.weight.shape
    for part in range(parts):
        yield Matrix(name, rows // parts, columns, unit_axis, 1, part, parts, transposed)


def _has(base: nn.Module, name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    return hasattr(base.get_submodule(module), attribute)


def _number(base: nn.Module, name: str) -> int:
    module, _, attribute = name.rpartition(".")
    return int(getattr(base.get_submodule(module), attribute))
