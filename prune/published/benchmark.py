"""`prune bench published`: the published networks, rebuilt from their shapes and timed here, beside their promise."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification, PreTrainedModel

from prune.budget.latency_table import LatencyTable, measured_latency_table
from prune.compaction.modeling_pruned import take_shape
from prune.compaction.structure import Structure
from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.inference.runtimes import Serving
from prune.measure.environment import environment
from prune.measure.rounding import fastest_multiple, rounded_up
from prune.measure.speed import multiply_adds, seconds, speed_device
from prune.models.architecture import skeleton, sublayers_of
from prune.models.sublayers import Sublayer
from prune.published import PublishedNetwork, networks
from prune.runtime.wording import counted

_LENGTHS = {"squad": 384, "mnli": 128}
_WARMUP_ROUNDS = 1


@dataclass
class PublishedBenchConfig:
    """What can be said after `prune bench published`."""

    batch_sizes: list[int] = field(default_factory=lambda: [1, 8, 32])
    rounds: int = 5
    """Each round times the dense model and then every network, so that all ratios are of one moment."""
    round_to: Any = "auto"
    """Of the second variant of each network."""
    device: str = "auto"
    dtype: str = "float32"
    output: str = "outputs/bench/published.json"


@dataclass(frozen=True)
class Variant:
    """A network as published, or with widths rounded up."""

    network: PublishedNetwork
    round_to: int
    model: PreTrainedModel
    promised: float
    """Multiply-adds of BERT-base over its own."""


@dataclass
class Timing:
    """One line of the result. Speed-ups are relative to BERT-base, as the published ones."""

    network: str
    task: str
    batch_size: int
    length: int
    round_to: int
    published: float
    measured: float
    """Median over rounds of dense time over own time."""
    quartiles: tuple[float, float]
    theoretical: float
    predicted: float | None = None
    """By the latency tables of BERT-base and of its own dense model; at the last batch size only."""

    @property
    def share(self) -> float:
        """How much of the theoretical speed-up is real."""
        return self.measured / self.theoretical


def bench(config: PublishedBenchConfig, say: Callable[[str], None]) -> list[Timing]:
    """Times all networks and writes config.output: the timings, and what they were measured on.

    Raises:
        UserError: if a value of `config` cannot be meant.
    """
    _check(config)
    device, dtype = speed_device(config.device), getattr(torch, config.dtype)
    found: list[Timing] = []
    for task, length in _LENGTHS.items():
        torch.manual_seed(0)
        dense = _built(_class_of(task), BertConfig(), None, device, dtype)
        floor = multiply_adds(dense, _batch(1, length, device))
        variants = list(_variants(task, length, floor, config.round_to, device, dtype))
        for size in config.batch_sizes:
            what = f"{counted(config.rounds, 'round')} over {counted(1 + len(variants), 'model')}"
            say(f"{task}: batch {size} x {length} tokens, {what}")
            batch = _batch(size, length, device)
            timed = _timed(dense, variants, batch, config.rounds)
            if size == config.batch_sizes[-1]:
                base = _table(task, BertConfig(), batch, dtype, say).dense_ms
                for variant, one in zip(variants, timed, strict=True):
                    one.predicted = base / _predicted_ms(variant, batch, dtype, say)
            found += timed
            content = {
                "environment": environment(),
                "config": asdict(config),
                "timings": [asdict(one) for one in found],
            }
            write_at_once(Path(config.output), json.dumps(content, indent=1) + "\n")
    return found


def _check(config: PublishedBenchConfig) -> None:
    """Raises UserError for the first value that cannot be meant."""
    multiple = config.round_to
    whole = isinstance(multiple, int) and not isinstance(multiple, bool) and multiple >= 1
    for key, good, allowed in (
        ("batch_sizes", config.batch_sizes and min(config.batch_sizes) >= 1, "one or more numbers from 1"),
        ("rounds", config.rounds >= 1, "at least 1"),
        ("round_to", whole or multiple == "auto", "a whole number from 1, or auto"),
        ("device", config.device in ("auto", "cpu", "cuda"), "auto, cpu or cuda"),
        ("dtype", config.dtype in ("float32", "bfloat16"), "float32 or bfloat16"),
    ):
        if not good:
            raise UserError(f"prune bench published: {key}={getattr(config, key)}: must be {allowed}")


def _variants(
    task: str, length: int, floor: int, round_to: Any, device: torch.device, dtype: torch.dtype
) -> Iterator[Variant]:
    for network in (one for one in networks() if one.task == task):
        config = BertConfig(**network.shape)
        widths = config.hidden_size, config.intermediate_size
        multiple = fastest_multiple(*widths, device, dtype) if round_to == "auto" else int(round_to)
        for one in dict.fromkeys((1, multiple)):
            model = _built(_class_of(task), config, (network, one), device, dtype)
            promised = floor / multiply_adds(model, _batch(1, length, device))
            yield Variant(network, one, model, promised)


def _class_of(task: str) -> type[PreTrainedModel]:
    return BertForQuestionAnswering if task == "squad" else BertForSequenceClassification


def _built(
    model_class: Any,
    config: BertConfig,
    shape: tuple[PublishedNetwork, int] | None,
    device: torch.device,
    dtype: torch.dtype,
) -> PreTrainedModel:
    """A model of random weights; no full-sized one is ever filled with numbers."""
    with torch.device("meta"):
        model: PreTrainedModel = model_class(config)
    if shape is not None:
        sublayers = sublayers_of(model)
        take_shape(model.base_model, _structure(*shape, sublayers).shape(sublayers))
    model = model.to_empty(device=device).to(dtype).eval()  # type: ignore[arg-type]
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.02) if parameter.numel() else None
    for buffer in model.buffers():  # positions and types of tokens: which ones makes no difference in time
        buffer.zero_()
    return model


def _structure(network: PublishedNetwork, multiple: int, sublayers: list[Sublayer]) -> Structure:
    counts = {"attention": iter(network.heads_kept), "feed_forward": iter(network.dimensions_kept)}
    kept = {}
    for sublayer in sublayers:
        count = next(counts[sublayer.site])
        if sublayer.site == "feed_forward":
            count = rounded_up(count, multiple, sublayer.num_units)
        kept[sublayer.name] = tuple(range(count))
    return Structure("bert", kept)


def _batch(size: int, length: int, device: torch.device) -> dict[str, Tensor]:
    ids = torch.randint(1000, 20000, (size, length), generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids.to(device), "attention_mask": torch.ones_like(ids).to(device)}


@torch.inference_mode()
def _timed(dense: PreTrainedModel, variants: list[Variant], batch: dict[str, Tensor], rounds: int) -> list[Timing]:
    ratios: list[list[float]] = [[] for _ in variants]
    for number in range(_WARMUP_ROUNDS + rounds):
        reference = seconds(dense.device, lambda: dense(**batch))
        for variant, own in zip(variants, ratios, strict=True):
            time = seconds(dense.device, lambda model=variant.model: model(**batch))  # type: ignore[misc]
            if number >= _WARMUP_ROUNDS:
                own.append(reference / time)
    size, length = batch["input_ids"].shape
    return [_timing(variant, own, size, length) for variant, own in zip(variants, ratios, strict=True)]


def _table(
    task: str, config: BertConfig, batch: dict[str, Tensor], dtype: torch.dtype, say: Callable[[str], None]
) -> LatencyTable:
    serving = Serving(dtype, batch["input_ids"].device)
    return measured_latency_table(
        f"Auto{_class_of(task).__name__.replace('Bert', 'Model')}", config, [batch], serving, say
    )


def _predicted_ms(variant: Variant, batch: dict[str, Tensor], dtype: torch.dtype, say: Callable[[str], None]) -> float:
    network, config = variant.network, BertConfig(**variant.network.shape)
    sublayers = sublayers_of(skeleton(config))
    kept = {name: len(units) for name, units in _structure(network, variant.round_to, sublayers).kept.items()}
    return _table(network.task, config, batch, dtype, say).model_ms(sublayers, kept)


def _timing(variant: Variant, ratios: list[float], size: int, length: int) -> Timing:
    first, _, third = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    network = variant.network
    return Timing(
        network=network.name,
        task=network.task,
        batch_size=size,
        length=length,
        round_to=variant.round_to,
        published=network.speedup,
        measured=statistics.median(ratios),
        quartiles=(first, third),
        theoretical=variant.promised,
    )


def as_rich(timings: list[Timing]) -> Table:
    """For the terminal: a row per network and width, a column per batch size."""
    sizes = sorted({one.batch_size for one in timings})
    speeds = [f"batch {size}" for size in sizes]
    table = Table("network", "widths", "published", *speeds, "predicted", "multiply-adds", "share")
    rows: dict[tuple[str, int], dict[int, Timing]] = {}
    for one in timings:
        rows.setdefault((one.network, one.round_to), {})[one.batch_size] = one
    for (network, multiple), cells in rows.items():
        last = cells[sizes[-1]]
        table.add_row(
            network,
            "as published" if multiple == 1 else f"multiples of {multiple}",
            f"{last.published:.2f}x",
            *(f"{cells[size].measured:.2f}x" for size in sizes),
            f"{last.predicted:.2f}x" if last.predicted else "",
            f"{last.theoretical:.2f}x",
            f"{100 * last.share:.0f} %",
        )
    off = max((abs(one.predicted / one.measured - 1) for one in timings if one.predicted), default=0.0)
    table.caption = (
        "share: measured over theoretical speed-up, at the last batch size; all relative to BERT-base. predicted: from "
        f"the latency table, for that batch; at most {100 * off:.0f} % off"
    )
    return table
