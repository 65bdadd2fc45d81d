"""SynFlow: how much of what flows through a network a weight carries (Tanaka et al. 2020, eq. 3), without any data.

R is the sum of the outputs of the network with |w| for each weight, where the input is ones: w dR/dw is the sum over
all paths through w of the products of their weights. The network is made one in which that is so:
- an activation is the identity, as the authors have it for ReLU, which changes no positive number;
- normalisation divides by a mean, and softmax by a sum, that count as constants, since they would otherwise hide how
  much flows; attention is (q k') v: queries, keys and values carry the same;
- biases are 0, since they carry nothing of the input.
What flows into a unit flows out of it, and each matrix of a sublayer carries the same in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from prune.criteria.weight_saliency import Batches, Matrices, WeightSaliency, by_matrix, parameters_of

_ACTIVATIONS = ("transformers.activations", "torch.nn.modules.activation")


class SynFlow(WeightSaliency):
    """|w| dR/d|w|, in float64; the classifier's weights and tied embeddings take part, and are not scored."""

    iterations = 100
    needs_examples = False

    def score(self, model: Any, matrices: Matrices, batches: Batches) -> dict[str, Tensor]:
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        positive = {name: _positive(name, values) for name, values in model.named_parameters()}
        scored = {module: positive[names[id(p)]] for module, p in parameters_of(model, matrices).items()}
        for values in scored.values():
            values.requires_grad_()
        with _identity_activations(model), _Linear():
            outputs = functional_call(model, positive, kwargs=_inputs(model))
            total = torch.stack([outputs[name].sum() for name in outputs if name.endswith("logits")]).sum()
        gradients = torch.autograd.grad(total, list(scored.values()))
        flows = {name: (values.detach() * g) for (name, values), g in zip(scored.items(), gradients, strict=True)}
        return by_matrix(model, matrices, flows)


def _positive(name: str, values: Tensor) -> Tensor:
    found = values.detach().abs().double()
    return torch.zeros_like(found) if name.rpartition(".")[2] == "bias" else found


def _inputs(model: Any) -> dict[str, Tensor]:
    """One token, which one does not matter; an end, where a head looks for one."""
    config = model.config
    end = getattr(config, "eos_token_id", None)
    token = end if isinstance(end, int) else int(config.pad_token_id == 0)
    ids = torch.full((1, 1), token, device=model.device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return inputs | ({"decoder_input_ids": ids} if config.is_encoder_decoder else {})


@contextmanager
def _identity_activations(model: nn.Module) -> Iterator[None]:
    handles = [
        module.register_forward_hook(lambda _module, args, _output: args[0])
        for module in model.modules()
        if type(module).__module__ in _ACTIVATIONS and not list(module.parameters())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _over(values: Tensor, divisor: Tensor) -> Tensor:
    """Divided by what counts as a constant; by 1 where that is 0, as nothing flows there."""
    constant = divisor.detach()
    return values / torch.where(constant == 0, torch.ones_like(constant), constant)


def _embedding(ids: Tensor, weight: Tensor, *_: Any, **__: Any) -> Tensor:
    return torch.ones(*ids.shape, weight.shape[1], dtype=weight.dtype, device=weight.device)


def _softmax(scores: Tensor, dim: int = -1, *_: Any, **__: Any) -> Tensor:
    seen = scores.double().clamp(min=0)  # what is masked is far below 0
    return _over(seen, seen.sum(dim, keepdim=True))


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: Any, enable_gqa: bool = False, **__: Any) -> Tensor:
    if enable_gqa:
        repeats = query.shape[-3] // key.shape[-3]
        key, value = key.repeat_interleave(repeats, -3), value.repeat_interleave(repeats, -3)
    return _softmax(query @ key.transpose(-2, -1)) @ value


def _normalised(values: Tensor, _shape: Any, weight: Tensor | None = None, *_: Any, **__: Any) -> Tensor:
    scaled = _over(values, values.mean(-1, keepdim=True))
    return scaled if weight is None else scaled * weight


def _same(values: Tensor, *_: Any, **__: Any) -> Tensor:
    return values


_STAND_INS: Mapping[Any, Callable[..., Tensor]] = {
    F.embedding: _embedding,
    F.scaled_dot_product_attention: _attention,
    **dict.fromkeys((F.softmax, torch.softmax, Tensor.softmax), _softmax),
    **dict.fromkeys((F.layer_norm, torch.layer_norm, F.rms_norm, torch.rms_norm), _normalised),
    **dict.fromkeys((torch.rsqrt, Tensor.rsqrt), lambda values: torch.rsqrt(values).detach()),
    **dict.fromkeys((F.gelu, F.relu, F.silu, F.tanh, torch.relu, torch.tanh, Tensor.tanh), _same),
}


class _Linear(TorchFunctionMode):
    """Meanwhile what is not linear in a network is as the head of this file says."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunction():
            return _STAND_INS.get(func, func)(*args, **(kwargs or {}))


WEIGHT_SALIENCY = SynFlow()
