"""Shrinking while training: heads and dimensions that have died are removed before it ends.

At a few steps of the training the model is made anew without the units that its masks leave no weight: weights, scores
and the optimizer's moments of all others are carried over, in the checkpoint that training then goes on from. Nothing
changes at that moment, the loss included; but what is gone cannot come back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import gcd
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from prune.compaction.structure import Structure
from prune.files.atomic import write_at_once
from prune.masking.alive import Alive
from prune.masking.attach import masks_of
from prune.masking.bank import Bank
from prune.masking.masks import Masks
from prune.models.sublayers import Sublayer
from prune.training.checkpoints import OPTIMIZER, last_good_checkpoint, step_of
from prune.training.trainer import trained_parameters

NOTE = "units.json"
"""In a checkpoint: the units that its model has."""
_NEVER = -1e4
"""A score with which a grain is never kept."""
_MOMENTS = ("exp_avg", "exp_avg_sq")


def note(alive: Alive) -> str:
    """What a checkpoint must say of its model."""
    return json.dumps({"kept": alive.kept, "gone": alive.gone}) + "\n"


def _noted(folder: Path, sublayers: tuple[Sublayer, ...]) -> Alive | None:
    try:
        content = json.loads((folder / NOTE).read_text("utf-8"))
        return Alive(sublayers, {name: tuple(units) for name, units in content["kept"].items()}, content["gone"])
    except (OSError, ValueError, KeyError):
        return None


def resumed(folder: Path, everything: Alive, warn: Callable[[str], None]) -> tuple[int, Alive]:
    """The step that training goes on from, and what is alive there; checkpoints that do not say so are removed."""
    while (found := last_good_checkpoint(folder, warn)) is not None:
        if (alive := _noted(found, everything.sublayers)) is not None:
            return step_of(found), alive
        shutil.rmtree(found)
    return 0, everything


@torch.no_grad()
def still_alive(masks: Masks, before: Alive) -> Alive:
    """What is left after `before`, by the masks of the moment; whole grains stay as long as any of their units does."""
    kept, gone = dict(before.kept), dict(before.gone)
    masks.eval()
    masks.refresh()
    for bank in masks.all_banks():
        for row, sublayer in enumerate(bank.sublayers):
            units = _with_neighbours(bank.alive[row], bank)
            kept[sublayer.name] = tuple(before.kept[sublayer.name][unit] for unit in units)
            lost = bank.penalty_of(row) - bank.penalty_of(
                row, torch.tensor(units, dtype=torch.long, device=bank.cuts.device)
            )
            gone[sublayer.site] = gone.get(sublayer.site, 0.0) + float(lost) * before.share(sublayer.name)
    return replace(before, kept=kept, gone=gone)


def _with_neighbours(alive: Tensor, bank: Bank) -> list[int]:
    """The living units, and those that share a grain with one."""
    size = bank.sublayers[0].unit_size
    tiles = [m.rows // shape[0] if m.unit_axis == 0 else m.columns // shape[1] for m, shape in bank.tiled()]
    together = 1 if bank.grain.shared else max(tile // gcd(tile, size) for tile in tiles)
    groups = alive.view(-1, together)
    return groups.any(1, keepdim=True).expand_as(groups).flatten().nonzero().flatten().tolist()


@torch.no_grad()
def take_away(model: PreTrainedModel, sublayers: list[Sublayer], alive: Alive) -> None:
    """Removes from a whole model what is not `alive`. Where only a bias is left, it is 0, as masked, and stays so."""
    every = {s.name: tuple(range(s.num_units)) for s in sublayers}
    Structure(model.config.model_type, every | dict(alive.kept)).apply(model.base_model, sublayers)
    for module in (m.module for s in alive.sublayers if not alive.kept[s.name] for m in (*s.matrices, *s.followers)):
        for parameter in model.base_model.get_submodule(module).parameters():
            parameter.requires_grad_(False).zero_()


@torch.no_grad()
def shrink(checkpoint: Path, model: PreTrainedModel, smaller: PreTrainedModel, between: PreTrainedModel) -> None:
    """Carries `model`, as trained, and its optimizer in `checkpoint` over to `smaller`, with a whole model in between.

    Their masks know which units they have.
    """
    folder = checkpoint.with_name(f"{checkpoint.name}-smaller")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkpoint, folder)
    carry(model, between, smaller)
    masks_of(smaller).continue_from(masks_of(model))
    smaller.save_pretrained(folder)
    state = torch.load(folder / OPTIMIZER, weights_only=True)
    torch.save(_carried(state, model, between, smaller), folder / OPTIMIZER)
    write_at_once(folder / NOTE, note(_alive(smaller)))
    shutil.rmtree(checkpoint)
    folder.rename(checkpoint)


@torch.no_grad()
def enlarge(model: PreTrainedModel, full: PreTrainedModel) -> None:
    """Gives the whole model `full` what `model` has; removed units get scores with which they are never kept."""
    for one in _pairs(full, model):
        one.large.fill_(_NEVER if one.is_score else 0.0)
        one.large.copy_(one.small) if one.places is None else one.large.index_copy_(
            one.axis, one.places, one.small.to(one.large)
        )
    masks_of(full).continue_from(masks_of(model))


@torch.no_grad()
def carry(model: PreTrainedModel, between: PreTrainedModel, smaller: PreTrainedModel) -> None:
    """Gives `smaller` the weights and scores of `model`, with a whole model in between."""
    enlarge(model, between)
    for one in _pairs(between, smaller):
        one.small.copy_(one.large if one.places is None else one.large.index_select(one.axis, one.places))


def _carried(
    state: dict[str, Any], model: PreTrainedModel, between: PreTrainedModel, smaller: PreTrainedModel
) -> dict[str, Any]:
    """The optimizer's state for `smaller`: moments travel as weights do."""
    old, new = (list(chain(*trained_parameters(one, masks_of(one)))) for one in (model, smaller))
    moments: dict[int, dict[str, Tensor]] = {number: {} for number in range(len(new))}
    for name in _MOMENTS:
        for number, parameter in enumerate(old):
            parameter.copy_(state["state"][number][name]) if number in state["state"] else parameter.zero_()
        carry(model, between, smaller)
        for number, parameter in enumerate(new):
            moments[number][name] = parameter.detach().clone()
    steps = next(iter(state["state"].values()))["step"]
    numbers = iter(range(len(new)))
    sizes = [len(group) for group in trained_parameters(smaller, masks_of(smaller)) if group]
    groups = [
        group | {"params": [next(numbers) for _ in range(size)]}
        for group, size in zip(state["param_groups"], sizes, strict=True)
    ]
    return {"state": {n: values | {"step": steps.clone()} for n, values in moments.items()}, "param_groups": groups}


@dataclass(frozen=True)
class _Pair:
    """A tensor of the whole model and the same of a smaller one, which has the `places` of it along `axis`."""

    large: Tensor
    small: Tensor
    axis: int = 0
    places: Tensor | None = None
    is_score: bool = False


def _pairs(full: PreTrainedModel, model: PreTrainedModel) -> Iterator[_Pair]:
    kept = _alive(model).kept
    large, small = (_of_sublayers(masks_of(one)) for one in (full, model))
    inside: set[int] = set()
    for name, (bank, row) in large.items():
        inside |= {id(p) for layer in bank.layers[row] for p in layer.parameters()} | {id(p) for p in bank.scores}
        if name not in small:
            continue
        units = torch.tensor(kept[name], dtype=torch.long)
        yield from _of_sublayer(bank, row, *small[name], units)
        for module in (matrix.module for matrix in bank.sublayers[row].followers):
            pair = [one.base_model.get_submodule(module) for one in (full, model)]
            inside |= {id(p) for p in pair[0].parameters()}
            features = _features(units, bank)
            for of_full, of_model in zip(*(one.parameters() for one in pair), strict=True):
                yield _Pair(of_full.data, of_model.data, 0, features)
    others = dict(model.named_parameters())
    for name, parameter in full.named_parameters():
        if id(parameter) not in inside and name in others:
            yield _Pair(parameter.data, others[name].data)


def _of_sublayer(bank: Bank, row: int, own: Bank, own_row: int, kept: Tensor) -> Iterator[_Pair]:
    """Weights, biases and scores of one sublayer, which has the units `kept` left."""
    features = _features(kept, bank)
    for (matrix, _), layer, other in zip(bank.tiled(), bank.layers[row], own.layers[own_row], strict=True):
        yield _Pair(layer.weight.data, other.weight.data, matrix.unit_axis, features)
        if layer.bias is not None:
            yield _Pair(layer.bias.data, other.bias.data, 0, features if matrix.unit_axis == 0 else None)
    for scores, others, (axis, places) in zip(bank.scores, own.scores, bank.places(kept), strict=True):
        yield _Pair(scores.data[row], others.data[own_row], axis, places, is_score=True)


def _features(units: Tensor, bank: Bank) -> Tensor:
    size = bank.sublayers[0].unit_size
    return (units.unsqueeze(1) * size + torch.arange(size)).flatten()


def _of_sublayers(masks: Masks) -> dict[str, tuple[Bank, int]]:
    return {s.name: (bank, row) for bank in masks.all_banks() for row, s in enumerate(bank.sublayers)}


def _alive(model: PreTrainedModel) -> Alive:
    alive = masks_of(model).alive
    assert alive is not None
    return alive
