"""The latency table: how long each kind of sublayer takes, by the number of units that are left in it.

Measured once per machine, number format, batch, length and model, and kept. Sublayers are timed where they work: in a
model of the same widths with few layers, all of whose sublayers of one kind keep so many units. Their sum is what the
whole model takes beyond one that has lost all units.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from prune.compaction.depth import depth_of, shallower_config
from prune.compaction.first_token import first_token_suffices, may_be_last
from prune.compaction.structure import Structure
from prune.compaction.tokens import TokenPooling
from prune.inference.runtimes import Called, Serving
from prune.measure.cache import machine, remembered
from prune.measure.contention import MOST_WAITED
from prune.measure.speed import Batches, call_all, device_of, shape_of, time_pairs, watched
from prune.models.architecture import family_of, new_model, skeleton, sublayers_of
from prune.models.sublayers import Sublayer, kind_of
from prune.models.units import all_units
from prune.runtime.progress_bar import track

_VERSION = 7
"""Of the measurement: a table by another is measured anew."""
_LAYERS = 2
"""Layers of each stack in the models that are timed."""
_WIDTHS = 16
"""Steps of a feed-forward layer's width; times between them are interpolated."""
_LONGEST = 4
"""So many times as many pairs are measured where a ratio is unsure."""
_SECONDS, _ROUNDS = 120.0, (3, 25)
"""For so long, and so often at least and at most, every model is timed in turn."""
_Timing = tuple[float, float]
"""Milliseconds, and the share of them for which the process waited for a core."""


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of one forward pass."""

    dense_ms: float
    """Of the whole unpruned model in the runtime."""
    sublayer_ms: Mapping[str, Mapping[int, float]]
    """Kind of sublayer -> units left -> time of one of them, beyond that of one with no units."""
    layer_ms: float = 0.0
    """Of a layer that has lost all units, beyond one that computes the first token only; 0 where none does."""
    tokens: int = 1
    """In a text of the batches."""
    reference_ms: float | None = None
    """Of the unpruned model as a target's reference calls it; None: `dense_ms`."""

    def of(self, sublayer: Sublayer, units: int) -> float:
        """Of `sublayer` with so many units left, beyond that of one with none."""
        times = self.sublayer_ms[kind_of(sublayer)]
        counts = sorted(times)
        return float(np.interp(units, counts, [times[count] for count in counts]))

    def model_ms(self, sublayers: list[Sublayer], kept: Mapping[str, int]) -> float:
        """Of the model whose `sublayers`, all of the unpruned one, keep so many units."""
        return self.dense_ms - sum(self.of(s, s.num_units) - self.of(s, kept[s.name]) for s in sublayers)


def measured_latency_table(
    auto_class: str,
    config: PreTrainedConfig,
    batches: Batches,
    serving: Serving,
    say: Callable[[str], None] = lambda _: None,
) -> LatencyTable:
    """The table for models of `config`, unpruned, in the runtime of `serving` and with the inputs of `batches`."""
    shapes = ", ".join(str({name: tuple(values.shape) for name, values in batch.items()}) for batch in batches)
    shape = json.dumps(json.loads(config.to_json_string()), sort_keys=True)
    runtime = "" if serving.is_reference else f", {serving.runtime.value}, reference {serving.reference.value}"
    key = f"{_VERSION}, {machine(serving.device, serving.dtype)}{runtime}, {auto_class}, {shapes}, {shape}"

    def measure() -> dict[str, Any]:
        say("latency table: measuring, once for this machine, model, batch and length")
        table = _measured(auto_class, config, batches, serving)
        if table["disturbed"]:
            say("latency table: other work took the cores meanwhile, so it is not kept, and what it chooses may be off")
        return table

    is_table = partial(_is_table, {kind_of(sublayer) for sublayer in sublayers_of(skeleton(config))})
    found = remembered("latency.json", key, measure, is_table, say, lambda table: not table["disturbed"])
    kinds = {kind: {int(units): ms for units, ms in times.items()} for kind, times in found["sublayer_ms"].items()}
    length, reference = shape_of(batches)["length"], found.get("reference_ms")
    return LatencyTable(found["dense_ms"], kinds, found["layer_ms"], length, reference)


def _is_table(kinds: set[str], found: Any) -> bool:
    """Whether a cache holds what is measured for sublayers of these `kinds`."""
    try:
        of_kinds = found["sublayer_ms"]
        times = [
            found["dense_ms"],
            found["layer_ms"],
            found.get("reference_ms", 1.0),
            *(ms for of_kind in of_kinds.values() for ms in of_kind.values()),
        ]
        counts = [units for of_kind in of_kinds.values() for units in of_kind]
    except (AttributeError, KeyError, TypeError):
        return False
    are_times = all(type(ms) in (int, float) and 0 <= ms < math.inf for ms in times) and found["dense_ms"] > 0
    return are_times and kinds == of_kinds.keys() and all(of_kinds.values()) and all(map(str.isdecimal, counts))


@torch.no_grad()
def measured_ratio(
    auto_class: str,
    config: PreTrainedConfig,
    own: PreTrainedConfig,
    batches: Batches,
    serving: Serving,
    first_token_only: bool,
    pooling: TokenPooling,
    kept: Mapping[str, tuple[int, ...]],
    pairs: int,
) -> float:
    """Time of the unpruned model, the reference of `serving`, over that of one of the config `own` with these units:
    the median of so many pairs, or of up to four times as many until it is sure to a percent.

    Both have random weights; `own` is `config`, or what is left of it without some layers. `first_token_only`: whether
    the other leaves out tokens that nothing reads; `pooling`: and where it pools them.
    """
    dense = _model(auto_class, config, serving)
    whole = dense if own.to_dict() == config.to_dict() else _model(auto_class, own, serving)
    model = serving.of(_shaped(whole, sublayers_of(skeleton(own)), kept, first_token_only, pooling))
    reference, most = serving.reference_of(dense), _LONGEST * pairs
    return time_pairs(reference, model, batches, serving.device, pairs, promised=1.0, most=most).speedup


@torch.no_grad()
def _measured(auto_class: str, config: PreTrainedConfig, batches: Batches, serving: Serving) -> dict[str, Any]:
    dense = _model(auto_class, config, serving)
    small = _model(auto_class, _with_few_layers(config), serving)
    sublayers = sublayers_of(skeleton(small.config))
    variants = {
        (kind, count): _variant(small, sublayers, kind, count)
        for kind in dict.fromkeys(map(kind_of, sublayers))
        for count in _counts(next(s for s in sublayers if kind_of(s) == kind))
    }
    of_all = sublayers_of(dense)
    nothing: dict[str, tuple[int, ...]] = {s.name: () for s in of_all}
    unread = len(may_be_last(of_all)) if first_token_suffices(auto_class, of_all) else 0
    empty = [_shaped(dense, of_all, nothing, first_token_only) for first_token_only in (False, unread > 0)]
    references = [] if serving.is_reference else [serving.reference_of(dense)]
    called = _converted([dense, *empty, *variants.values()], serving)
    (dense_ms, empty_ms, least_ms, *times), disturbed = _times([*called, *references], batches)
    of_reference = {"reference_ms": times.pop()} if references else {}
    layer_ms = max(0.0, empty_ms - least_ms) / unread if unread else 0.0
    of_variant = dict(zip(variants, times, strict=True))
    found: dict[str, dict[int, float]] = {}
    for kind in dict.fromkeys(kind for kind, _ in variants):
        number = sum(kind_of(s) == kind for s in sublayers)
        counts = [count for of_kind, count in variants if of_kind == kind]
        beyond = [max(0.0, (of_variant[kind, count] - of_variant[kind, 0]) / number) for count in counts]
        found[kind] = dict(zip(counts, rising(beyond), strict=True))
    # Differences of times are less sure than times: their sum must be that of the whole and the empty model.
    total = sum(found[kind_of(s)][s.num_units] for s in of_all)
    scale = max(0.0, dense_ms - empty_ms) / total if total else 0.0
    scaled = {kind: {count: ms * scale for count, ms in of_kind.items()} for kind, of_kind in found.items()}
    found_ms = {"dense_ms": dense_ms, "sublayer_ms": scaled, "layer_ms": layer_ms, "disturbed": disturbed}
    return found_ms | of_reference


def _model(auto_class: str, config: PreTrainedConfig, serving: Serving) -> PreTrainedModel:
    model = new_model(config, auto_class)
    result: PreTrainedModel = model.eval().to(serving.device, serving.dtype)
    return result


def _converted(models: Sequence[PreTrainedModel], serving: Serving) -> list[Called]:
    """As their runtime calls them, which takes seconds each where it is not PyTorch."""
    told = models if serving.format is None else track(models, f"converting to {serving.label}", len(models))
    return [serving.of(model) for model in told]


def _with_few_layers(config: PreTrainedConfig) -> PreTrainedConfig:
    depths = [getattr(config, stack.depth) for stack in family_of(config).stacks if stack.depth]
    deepest = max(depths, default=_LAYERS)
    return shallower_config(config, depth_of(config, _LAYERS / max(deepest, _LAYERS)))


def _counts(sublayer: Sublayer) -> list[int]:
    units = sublayer.num_units
    if sublayer.site == "attention":
        return list(range(units + 1))
    return sorted({round(units * step / _WIDTHS) for step in range(_WIDTHS + 1)})


def _variant(model: PreTrainedModel, sublayers: list[Sublayer], kind: str, count: int) -> PreTrainedModel:
    """A copy with `count` units in all sublayers of `kind`."""
    few = {s.name: tuple(range(count)) for s in sublayers if kind_of(s) == kind}
    return _shaped(model, sublayers, all_units(sublayers) | few)


def _shaped(
    model: PreTrainedModel,
    sublayers: list[Sublayer],
    kept: Mapping[str, tuple[int, ...]],
    first_token_only: bool = False,
    pooling: TokenPooling = TokenPooling(),  # noqa: B008  # it cannot be changed
) -> PreTrainedModel:
    """A copy that keeps these units with their weights; it shares all others.

    Memory that was never written would do for weights only where time does not depend on them: on processors that take
    a hundred times as long for numbers near 0 it does.
    """
    variant = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})
    structure = Structure(model.config.model_type, kept, first_token_only=first_token_only, pooling=pooling)
    structure.apply(variant.base_model, sublayers)
    result: PreTrainedModel = variant.to(next(model.parameters()))  # type: ignore[arg-type]  # as its stubs have it
    return result


def rising(values: Sequence[float]) -> list[float]:
    """The nearest numbers that never fall, by least squares: more units never take less time (isotonic regression)."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, size = value, 1
        while blocks and blocks[-1][0] > mean:
            before, number = blocks.pop()
            mean, size = (before * number + mean * size) / (number + size), number + size
        blocks.append((mean, size))
    return [mean for mean, size in blocks for _ in range(size)]


@torch.inference_mode()
def _times(models: Sequence[Called], batches: Batches) -> tuple[list[float], bool]:
    """Fewest milliseconds of a batch, and whether other work disturbed too many of them to know better.

    Whatever else a processor does only adds time, so the fastest of several calls tells most. All models take turns, so
    that a slow moment is every model's. Disturbed rounds are repeated, at most all of them.
    """
    device, number = device_of(batches), len(models)

    def timed(rounds: int) -> list[list[_Timing]]:
        turns = track([*models] * rounds, "timing sublayers", rounds * number, timed=True)
        times = [watched(device, partial(call_all, model, batches)) for model in turns]
        of_batch = [(1e3 * elapsed / len(batches), waited) for elapsed, waited in times]
        return [of_batch[start : start + number] for start in range(0, len(of_batch), number)]

    fewest, most = _ROUNDS
    start = time.monotonic()
    _, *rounds = timed(1 + fewest)  # the first warms up
    elapsed = time.monotonic() - start
    rounds += timed(min(most - fewest, max(0, int((_SECONDS - elapsed) / elapsed * (1 + fewest)))))
    limit = 2 * len(rounds)
    while (lacking := fewest - min(map(len, map(_quiet, zip(*rounds, strict=True))))) > 0 and len(rounds) < limit:
        rounds += timed(min(lacking, limit - len(rounds)))
    columns = list(zip(*rounds, strict=True))
    best = [sorted(column, key=lambda timing: timing[1])[: max(fewest, len(_quiet(column)))] for column in columns]
    return [min(ms for ms, _ in column) for column in best], lacking > 0


def _quiet(timings: Sequence[_Timing]) -> list[_Timing]:
    """Those that other work did not disturb."""
    return [timing for timing in timings if timing[1] <= MOST_WAITED]
