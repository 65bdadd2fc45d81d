"""What kernels make of a sparse matrix on this machine, beside smaller dense matrices with as many weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig

from prune.measure.speed import speed_device, time_pairs
from prune.models import loading
from prune.models.architecture import skeleton, sublayers_of

DENSITIES, TOKENS = (0.5, 0.25, 0.1), 32 * 128
BLOCK = 32
"""Rows and columns of a block of BSR."""
_STRIP = (1, 4)
"""The block of FBGEMM's sparse kernel."""
_RIGHT = 1.01
"""Largest error in steps of quantisation that is rounding."""
_PAYS = 1.1
"""So many times as fast as compaction to as many weights, and a kernel pays."""
_IN_8_BITS = "int8, "
"""How their names begin; they are compared with compaction in 8 bits."""
_Call = Callable[[], Tensor]


class Unavailable(Exception):
    """Why there is no such kernel here."""


@dataclass(frozen=True)
class KernelTiming:
    """One way to compute a linear layer of which a `density` of the weights is left."""

    kernel: str
    density: float
    ms: float | None = None
    speedup: float | None = None
    """Time of the dense layer in float32 over its own: the median of pairs."""
    error: float | None = None
    """Largest difference from the exact result, as a share of the largest output; of 8 bits, in steps of quantisation
    beyond those of its weights and inputs."""
    verdict: str = ""


def shape_of_layers(path: str | None) -> tuple[int, int]:
    """Rows and columns of the first matrix of the feed-forward layers of the model in `path`; None: of BERT-base.

    Raises:
        UserError: if there is no such model.
    """
    config = loading.config_of(path, "model") if path else AutoConfig.for_model("bert")
    (first, *_) = (s.inputs[0] for s in sublayers_of(skeleton(config)) if s.site == "feed_forward")
    return first.rows, first.columns


def compare_kernels(
    shape: tuple[int, int], densities: Sequence[float] = DENSITIES, tokens: int = TOKENS, pairs: int = 10
) -> Iterator[KernelTiming]:
    """Times all kernels for a layer of this shape (rows, columns) that is given so many tokens, on a GPU if there is
    one; which weights are left is drawn at random, in the pattern that the kernel needs."""
    device = speed_device("auto")
    torch.manual_seed(0)
    weight, inputs = torch.randn(shape, device=device), torch.randn(tokens, shape[1], device=device)
    timed = partial(_timed, weight=weight, inputs=inputs, pairs=pairs)
    yield timed(f"{_IN_8_BITS}dense", 1.0, _int8)
    for density in densities:
        for prefix, compaction in (("", _compacted), (_IN_8_BITS, _int8_compacted)):
            compacted = timed(f"{prefix}compaction", density, compaction)
            yield compacted
            for kernel, make in _KERNELS.items():
                if kernel.startswith(_IN_8_BITS) == bool(prefix) and density in _ONLY.get(kernel, (density,)):
                    yield _judged(timed(kernel, density, make), compacted)


def _timed(kernel: str, density: float, make: Any, weight: Tensor, inputs: Tensor, pairs: int) -> KernelTiming:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kernels in beta, and of those that a later torch will lack
            call, error = make(weight, inputs, density)
    except (Unavailable, RuntimeError) as reason:  # torch has a RuntimeError for each kernel that it lacks
        return KernelTiming(kernel, density, verdict=f"not here: {str(reason).splitlines()[0]}")
    dense: _Call = partial(functional.linear, inputs, weight)
    batch = {"input_ids": inputs}  # of which the size is read
    found = time_pairs(lambda **_: dense(), lambda **_: call(), [batch], inputs.device, pairs, promised=1.0)
    return KernelTiming(kernel, density, found.model_ms, found.speedup, error)


def _judged(one: KernelTiming, compacted: KernelTiming) -> KernelTiming:
    if one.speedup is None or compacted.speedup is None or one.error is None:
        return one
    if one.kernel.startswith(_IN_8_BITS) and one.error > _RIGHT:
        verdict = "wrong result"
    elif one.speedup >= _PAYS * compacted.speedup:
        verdict = "pays: faster than compaction to as many weights"
    elif _PAYS * one.speedup > compacted.speedup:
        verdict = "as fast as compaction to as many weights"
    else:
        verdict = f"compaction is {compacted.speedup / one.speedup:.1f} times as fast"
    return KernelTiming(one.kernel, one.density, one.ms, one.speedup, one.error, verdict)


def _compacted(weight: Tensor, inputs: Tensor, density: float) -> tuple[_Call, float]:
    """Fewer rows: what is left of the layer where whole units go."""
    smaller = weight[: max(1, round(density * len(weight)))].clone()
    return partial(functional.linear, inputs, smaller), 0.0


def _bsr(weight: Tensor, inputs: Tensor, density: float) -> tuple[_Call, float]:
    if any(size % BLOCK for size in weight.shape):
        raise Unavailable(f"{len(weight)} x {weight.shape[1]} is no multiple of {BLOCK} x {BLOCK}")
    masked = weight * _blocks(weight, (BLOCK, BLOCK), density)
    sparse, across = masked.to_sparse_bsr((BLOCK, BLOCK)), inputs.t().contiguous()  # as the kernel is fastest

    @torch.inference_mode(False)  # in which torch refuses sparse matrices
    @torch.no_grad()
    def call() -> Tensor:
        result: Tensor = torch.sparse.mm(sparse, across)
        return result

    return call, _error(call().t(), inputs, masked)


def _two_of_four(weight: Tensor, inputs: Tensor, _density: float) -> tuple[_Call, float]:
    if inputs.device.type != "cuda":
        raise Unavailable("torch's kernels for it need a GPU")
    groups = weight.half().reshape(len(weight), -1, 4)
    masked = (groups * torch.zeros_like(groups).scatter_(-1, groups.abs().topk(2, dim=-1).indices, 1.0)).flatten(1)
    sparse, halved = torch.sparse.to_sparse_semi_structured(masked), inputs.half()
    return partial(functional.linear, halved, sparse), _error(
        functional.linear(halved, sparse).float(), halved.float(), masked.float()
    )


def _int8(weight: Tensor, inputs: Tensor, _density: float) -> tuple[_Call, float]:
    quantised, taken = _quantised(weight, inputs, bits=7)  # with 8, sums overflow in some processors
    packed = torch.ops.quantized.linear_prepack(quantised, None)
    call = partial(torch.ops.quantized.linear, taken, packed, *_output(weight, inputs))
    return call, _steps(call(), taken, quantised)


def _int8_compacted(weight: Tensor, inputs: Tensor, density: float) -> tuple[_Call, float]:
    return _int8(weight[: max(1, round(density * len(weight)))].clone(), inputs, density)


def _int8_strips(weight: Tensor, inputs: Tensor, density: float, bits: int) -> tuple[_Call, float]:
    quantised, taken = _quantised(weight * _blocks(weight, _STRIP, density), inputs, bits)
    with _engine("fbgemm"):
        packed = torch.ops.sparse.qlinear_prepack(quantised, None, *_STRIP)
        scale, zero = _output(weight, inputs)
        call = partial(torch.ops.sparse.qlinear, taken, packed, scale, zero)
        return call, _steps(call(), taken, quantised)


_KERNELS = {
    f"BSR {BLOCK} x {BLOCK}": _bsr,
    "2 of 4": _two_of_four,
    f"{_IN_8_BITS}blocks of 1 x 4": partial(_int8_strips, bits=8),
    f"{_IN_8_BITS}blocks of 1 x 4, 7-bit inputs": partial(_int8_strips, bits=7),
}
_ONLY = {"2 of 4": (0.5,)}
"""The densities of kernels that have no others."""


def _blocks(weight: Tensor, block: tuple[int, int], density: float) -> Tensor:
    """1 where a block is left, else 0; as many as the density says, drawn at random."""
    shape = (len(weight) // block[0], weight.shape[1] // block[1])
    kept = torch.zeros(shape[0] * shape[1], device=weight.device)
    kept[torch.randperm(len(kept), device=weight.device)[: round(density * len(kept))]] = 1.0
    return kept.reshape(shape).repeat_interleave(block[0], 0).repeat_interleave(block[1], 1)


def _error(found: Tensor, inputs: Tensor, weight: Tensor) -> float:
    exact = functional.linear(inputs.double(), weight.double())
    return float((found.double() - exact).abs().max() / exact.abs().max())


def _quantised(weight: Tensor, inputs: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Weights by rows, inputs as a whole; inputs of 7 bits use half of the 8-bit numbers."""
    if weight.device.type != "cpu":
        raise Unavailable("torch's 8-bit kernels run on CPUs")
    scales = weight.abs().amax(1).clamp(min=1e-6) / 127
    zeros = torch.zeros(len(weight), dtype=torch.long)
    middle = 2 ** (bits - 1)
    taken = torch.quantize_per_tensor(inputs, float(inputs.abs().max()) / (middle - 1), middle, torch.quint8)
    return torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8), taken


def _output(weight: Tensor, inputs: Tensor) -> tuple[float, int]:
    """Scale and zero of the outputs, which are 8-bit numbers, too."""
    return float(functional.linear(inputs, weight).abs().max()) / 127, 128


def _steps(found: Tensor, taken: Tensor, quantised: Tensor) -> float:
    """The largest difference from the exact product of the quantised numbers, beyond the rounding of the outputs."""
    exact = functional.linear(taken.dequantize().double(), quantised.dequantize().double())
    limit = found.q_scale() * torch.tensor([0 - found.q_zero_point(), 255 - found.q_zero_point()])
    difference = (found.dequantize().double() - exact.clamp(float(limit[0]), float(limit[1]))).abs().max()
    return float(difference / found.q_scale())


@contextmanager
def _engine(name: str) -> Iterator[None]:
    """torch's library of 8-bit kernels, meanwhile."""
    if name not in torch.backends.quantized.supported_engines:
        raise Unavailable(f"torch has no {name} on this processor")
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = name
    try:
        yield
    finally:
        torch.backends.quantized.engine = before
