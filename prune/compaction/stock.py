"""A compact model as a stock checkpoint, where a config of transformers can express its shape."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prune.compaction import modeling_pruned
from prune.errors import UserError
from prune.models.architecture import skeleton, sublayers_of
from prune.models.sublayers import Sublayer
from prune.runtime.wording import counted


def stock_class(model: PreTrainedModel) -> type[PreTrainedModel]:
    """The class of transformers that a model of the pruned one is made from."""
    return next(one for one in type(model).__mro__ if one.__module__ != modeling_pruned.__name__)


@torch.no_grad()
def plain(model: PreTrainedModel) -> PreTrainedModel:
    """The same model with the same weights, of stock modules.

    Raises:
        UserError: if it pools tokens, if an attention has lost heads, or if feed-forward layers that share a width
            have different ones.
    """
    if "tokens" in (getattr(model.config, "pruned_structure", None) or {}):
        raise _refusal("it pools tokens, and stock code lets all of them go on")
    sublayers = sublayers_of(skeleton(model.config))
    config = copy.deepcopy(model.config)
    for key in ("pruned_structure", "pruned_shape", "auto_map"):
        if hasattr(config, key):
            delattr(config, key)
    for key, width in _widths(model, sublayers).items():
        setattr(config, key, width)
    found = stock_class(model)(config)
    found.load_state_dict(_stored_alike(model, found))
    if found.can_generate():
        found.generation_config = model.generation_config
    found.eval()
    return found


def _widths(model: PreTrainedModel, sublayers: list[Sublayer]) -> dict[str, int]:
    """Key of config.json -> the width of all its sublayers."""
    found: dict[str, tuple[int, Sublayer]] = {}
    for sublayer in sublayers:
        units = sublayer.output.weight(model.base_model).shape[1] // sublayer.output.unit_size
        if sublayer.width:
            width, first = found.setdefault(sublayer.width, (units, sublayer))
            if units != width:
                raise _refusal(
                    f"{first.name} has {counted(width, 'dimension')} and {sublayer.name} has {units}, but a stock "
                    f"config has one {sublayer.width} for both"
                )
            if not units:
                raise _refusal(f"{sublayer.name} has no dimension left, and stock code cannot do without")
        elif units != sublayer.num_units:
            raise _refusal(
                f"{sublayer.name} has {units} of {counted(sublayer.num_units, 'head')} left, and stock code computes "
                "their size from their number"
            )
    return {key: width for key, (width, _) in found.items()}


def _refusal(reason: str) -> UserError:
    return UserError(f"format=plain: {reason}. method=uniform prunes to shapes that can be said; format=onnx takes any")


def _stored_alike(model: nn.Module, stock: nn.Module) -> dict[str, Tensor]:
    """The weights of `model`, transposed where stock modules store them so and the smaller ones do not."""
    weights: dict[str, Any] = dict(model.state_dict())
    for name, module in stock.named_modules():
        if isinstance(module, Conv1D) and not isinstance(model.get_submodule(name), Conv1D):
            weights[f"{name}.weight"] = weights[f"{name}.weight"].t()
    return weights
