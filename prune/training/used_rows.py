"""Word embeddings: only the rows that the training texts use are trained.

Without weight decay the other rows stay what they are, as their gradients are zero; but at every step their gradients
are cleared, measured and given to the optimizer, which in a small model takes a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

_WORTH_IT = 0.9
"""Share of rows in use above which nothing would be gained."""


@contextmanager
def used_rows(model: PreTrainedModel, ids: Iterable[int], weight_decay: float = 0.0) -> Iterator[None]:
    """While it lasts, the word embeddings of `model` consist of the rows of `ids` and of the padding.

    Afterwards all rows are back, those that were used as they have become. Any other id is an IndexError in
    between. Nothing changes where all rows matter: with weight decay, in models that write texts or guess words, where
    the same weights are used for something else, too, or where nearly all rows are in use.
    """
    embeddings = model.get_input_embeddings()
    if weight_decay > 0 or not isinstance(embeddings, nn.Embedding) or not _of_its_own(model, embeddings):
        yield
        return
    whole, padding = embeddings.weight, embeddings.padding_idx
    rows = torch.tensor(sorted({*ids, padding, model.config.pad_token_id} - {None}))
    if len(rows) > _WORTH_IT * len(whole):
        yield
        return
    places = torch.full((len(whole),), len(whole))  # of no row: cannot be looked up
    places[rows] = torch.arange(len(rows))
    embeddings.weight = nn.Parameter(whole.detach()[rows.to(whole.device)])
    embeddings.padding_idx = None if padding is None else int(places[padding])
    handle = embeddings.register_forward_pre_hook(_Places(places))
    try:
        yield
    finally:
        handle.remove()
        trained = embeddings.weight.detach()
        with torch.no_grad():
            embeddings.weight = nn.Parameter(whole.detach().to(trained.device), requires_grad=whole.requires_grad)
            embeddings.weight[rows.to(trained.device)] = trained
        embeddings.padding_idx = padding


def _of_its_own(model: PreTrainedModel, embeddings: nn.Embedding) -> bool:
    """Whether the weights are trained, and those of one module alone, which reads what is given to the model."""
    weight = embeddings.weight
    holders = sum(own is weight for module in model.modules() for own in module.parameters(recurse=False))
    of_words = model.config.is_encoder_decoder or model.get_output_embeddings() is not None
    return weight.requires_grad and holders == 1 and not of_words


class _Places:
    """A hook that replaces ids by the places of their rows."""

    def __init__(self, places: Tensor):
        self.places = places

    def __call__(self, module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (ids,) = args
        self.places = self.places.to(ids.device)
        return (self.places[ids],)
