"""Speed: dense over pruned, measured in pairs and counted in multiply-adds."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from prune.config.schema import SpeedConfig
from prune.measure.contention import MOST_WAITED, seconds_waited
from prune.runtime.memory import keep_memory
from prune.runtime.progress_bar import track
from prune.runtime.wording import batch_in_words

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Batches = Sequence[dict[str, Tensor]]
"""Inputs of a model."""
REAL = "real"
"""The length of texts that are padded to the longest of their batch only."""
_BATCHES, _TEXTS = 8, 64
"""Of real lengths, at least so many of each are timed, where there are."""
_WARMUP_PAIRS = 3
_PATIENCE = 2
"""So many times as many pairs are measured where other work disturbs some."""
_SURE = 0.01
"""Standard error of a ratio, as a share of it, that is small enough."""
_QUARTILES = 2 * statistics.NormalDist().inv_cdf(0.75)
"""How many standard deviations the quartiles of a normal distribution are apart."""


@dataclass
class Speed:
    """One measurement. Times in milliseconds per batch, medians."""

    batch_size: int
    length: int
    """In tokens; of texts of real lengths the mean."""
    dense_ms: float
    model_ms: float
    speedup: float
    """Median of the paired ratios dense / model."""
    speedup_quartiles: tuple[float, float]
    """First and third quartile of the ratios: their spread."""
    speedup_theoretical: float
    """Multiply-adds of the dense model over the model's."""
    waited: float = 0.0
    """Share of the time for which the process waited for a core, where the system tells; above MOST_WAITED
    (prune/measure/contention.py) other work disturbed the measurement."""
    real: bool = False
    """Whether texts had their real lengths, and were padded to the longest of their batch only."""
    eager_ms: float | None = None
    """Of the dense model in PyTorch's eager mode, in float32, where `dense_ms` is of another runtime or format."""
    speedup_over_eager: float | None = None
    """Over that, where it was measured: median of the paired ratios."""


def typical_length(features: Dataset) -> int:
    """95th percentile of the inputs' lengths, rounded up to a multiple of 8."""
    return int(-(-np.percentile(np.asarray(features["length"][:]), 95) // 8) * 8)


def speed_device(name: str) -> torch.device:
    """The device that `auto`, `cpu` or `cuda` means here."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def measure_speed(
    dense: PreTrainedModel,
    model: PreTrainedModel,
    calls: Calls,
    of_sizes: Iterable[Batches],
    num_pairs: int,
) -> list[Speed]:
    """Times both models, called as in `calls`, on the same real inputs in turn, for each batch size."""
    found = []
    for batches in of_sizes:
        promised = multiply_adds(dense, *batches) / multiply_adds(model, *batches)
        found.append(time_calls(calls, batches, device_of(batches), num_pairs, promised))
    return found


def time_calls(calls: Calls, batches: Batches, device: torch.device, num_pairs: int, promised: float) -> Speed:
    """Times the model against the dense one, and against that in eager mode where it is another."""
    speed = time_pairs(calls.dense, calls.model, batches, device, num_pairs, promised)
    if calls.eager is None:
        return speed
    over = time_pairs(calls.eager, calls.model, batches, device, num_pairs, promised)
    waited = max(speed.waited, over.waited)
    return replace(speed, eager_ms=over.dense_ms, speedup_over_eager=over.speedup, waited=waited)


def speed_batches(
    features: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    config: SpeedConfig,
    device: torch.device,
    with_decoder: bool,
) -> Iterator[Batches]:
    """What both models are timed on, for each batch size: a batch of one length, or several of real lengths.

    With inputs for a decoder, too, where an encoder has one.
    """
    for size in config.batch_sizes:
        if config.length == REAL:
            batches = _batches_of_real_lengths(features, tokenizer, size, device)
        else:
            batches = [batch_of(features, tokenizer, size, padded_length(features, config), device)]
        if with_decoder:
            for batch in batches:
                batch["decoder_input_ids"] = batch["input_ids"][:, : config.generated_length]
        yield batches


def padded_length(features: Dataset, config: SpeedConfig) -> int:
    """The length of batches that are padded to one."""
    return config.length if isinstance(config.length, int) else typical_length(features)


def _batches_of_real_lengths(
    features: Dataset, tokenizer: PreTrainedTokenizerBase, size: int, device: torch.device
) -> Batches:
    """Batches of texts of like length, from all parts of the evaluation set's lengths."""
    by_length = np.argsort(np.asarray(features["length"][:]), kind="stable")
    starts = np.arange(0, max(1, len(by_length) - size + 1), size)
    number = min(len(starts), max(_BATCHES, -(-_TEXTS // size)))
    chosen = starts[np.linspace(0, len(starts) - 1, number).round().astype(int)]
    return [
        _padded(features.select(by_length[start : start + size]), tokenizer, None, device) for start in chosen.tolist()
    ]


def batch_of(
    features: Dataset, tokenizer: PreTrainedTokenizerBase, size: int, length: int, device: torch.device
) -> dict[str, Tensor]:
    """`size` real inputs, cut or padded to `length` tokens."""
    return _padded(features.select([index % len(features) for index in range(size)]), tokenizer, length, device)


def _padded(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, length: int | None, device: torch.device
) -> dict[str, Tensor]:
    """The inputs of `rows`, cut or padded to `length` tokens; None: padded to the longest."""
    names = [name for name in tokenizer.model_input_names if name in rows.column_names]
    cut = {name: [ids[:length] for ids in rows[name][:]] for name in names}
    to_length: dict[str, Any] = {"padding": "max_length", "max_length": length} if length else {"padding": "longest"}
    batch = tokenizer.pad(cut, **to_length, return_tensors="pt")
    return {name: values.to(device) for name, values in batch.items()}


@torch.inference_mode()
def time_pairs(
    dense: Any,
    model: Any,
    batches: Batches,
    device: torch.device,
    num_pairs: int,
    promised: float,
    most: int | None = None,
) -> Speed:
    """Times `dense` and `model`, called with the same batches in turn; `promised`: what multiply-adds say.

    `most`: where the ratio is not sure to a percent after `num_pairs`, it goes on to at most so many. Pairs during
    which other work took the cores are measured again, up to twice as many, and those that waited least count.
    """
    shape = shape_of(batches)
    calls = partial(call_all, dense, batches), partial(call_all, model, batches)

    def timed(number: int) -> list[_Pair]:
        turns = track(range(number), f"timing batches of {batch_in_words(shape)}", number, timed=True)
        return [_timed_pair(device, calls, len(batches)) for _ in turns]

    timed(_WARMUP_PAIRS)
    counted = _least_disturbed(timed, num_pairs, most or num_pairs)
    ratios = sorted(pair.ratio for pair in counted)
    first, median, third = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Speed(
        **shape,
        dense_ms=statistics.median(pair.dense_ms for pair in counted),
        model_ms=statistics.median(pair.model_ms for pair in counted),
        speedup=median,
        speedup_quartiles=(first, third),
        speedup_theoretical=promised,
        waited=statistics.mean(pair.waited for pair in counted),
    )


def _least_disturbed(timed: Callable[[int], list[_Pair]], fewest: int, most: int) -> list[_Pair]:
    """So many pairs, more until their ratio is sure, during which the process waited least for a core."""
    pairs, wanted = timed(fewest), fewest
    while len(pairs) < _PATIENCE * most:
        quiet = [pair for pair in pairs if pair.waited <= MOST_WAITED]
        if len(quiet) >= wanted:
            if wanted >= most or doubt([pair.ratio for pair in quiet]) <= _SURE:
                break
            wanted = min(wanted + fewest, most)
        pairs += timed(min(max(1, wanted - len(quiet)), _PATIENCE * most - len(pairs)))
    return sorted(pairs, key=lambda pair: pair.waited)[:wanted]


class Calls(NamedTuple):
    """Models as their runtime calls them."""

    dense: Any
    model: Any
    eager: Any = None
    """The dense model in PyTorch's eager mode, in float32; None: `dense` is that."""


class _Pair(NamedTuple):
    """One call of each model, per batch."""

    dense_ms: float
    model_ms: float
    waited: float
    """For a core, as a share of the time of that call for which it is larger."""

    @property
    def ratio(self) -> float:
        return self.dense_ms / self.model_ms


def _timed_pair(device: torch.device, calls: Sequence[Callable[[], Any]], batches: int) -> _Pair:
    (dense, of_dense), (model, of_model) = (watched(device, call) for call in calls)
    return _Pair(1e3 * dense / batches, 1e3 * model / batches, max(of_dense, of_model))


def watched(device: torch.device, call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of one call, and the share of them for which the process waited for a core, at most 1."""
    before = seconds_waited()
    elapsed = seconds(device, call)
    return elapsed, min(1.0, (seconds_waited() - before) / elapsed)


def call_all(model: Any, batches: Batches) -> None:
    """A forward pass of each batch."""
    for batch in batches:
        model(**batch)


def device_of(batches: Batches) -> torch.device:
    """Where the batches are."""
    return batches[0]["input_ids"].device


def shape_of(batches: Batches) -> dict[str, Any]:
    """Size and length of the batches, as a measurement has them."""
    size, length = batches[0]["input_ids"].shape
    if len(batches) == 1:
        return {"batch_size": size, "length": length}
    tokens = sum(int(batch["attention_mask"].sum()) for batch in batches)
    return {
        "batch_size": size,
        "length": round(tokens / sum(len(batch["input_ids"]) for batch in batches)),
        "real": True,
    }


def doubt(ratios: Sequence[float]) -> float:
    """Standard error of the median of two or more `ratios` over the median, from their quartiles, as if normal."""
    first, median, third = statistics.quantiles(ratios, n=4)
    return math.sqrt(math.pi / 2 / len(ratios)) * (third - first) / (_QUARTILES * median)


def seconds(device: torch.device, call: Callable[[], Any]) -> float:
    """Time of one call whose work is done on `device`, in memory that the process keeps."""
    keep_memory()
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    call()
    if on_gpu:
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


@torch.inference_mode(False)  # the counter follows modules through the graph, also that of parameters given to them
@torch.no_grad()
def multiply_adds(model: Any, *batches: dict[str, Tensor]) -> int:
    """Multiply-adds of a forward pass of each batch: all matrix products, attention included."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        call_all(model, batches)
    return int(counter.get_total_flops()) // 2
