"""Losses of embedders and rerankers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from prune.tasks.base import Loss


def contrastive_loss(temperature: float) -> Loss:
    """Cross-entropy of finding each text's partner among all second texts of the batch, and the other way round
    (InfoNCE, both directions); the embeddings (2 x pairs, width) of all first texts come before those of the second."""

    def loss(outputs: Mapping[str, Any], _inputs: Mapping[str, Tensor]) -> Tensor:
        first, second = F.normalize(outputs["embeddings"].float(), dim=-1).chunk(2)
        logits = first @ second.T / temperature
        places = torch.arange(len(first), device=logits.device)
        return (F.cross_entropy(logits, places) + F.cross_entropy(logits.T, places)) / 2

    return loss


def sampled_loss(seed: int) -> Loss:
    """Half the squared distance from embeddings that are drawn around those that the model gives.

    Embeddings have no labels, and a model is no distance away from itself. Squared gradients of labels that are drawn
    from the model's own distribution, here a normal one around each embedding, are in expectation the diagonal of the
    Fisher information (Martens 2020, section 5; Kunstner et al. 2019, equation 5).
    """
    generator = torch.Generator().manual_seed(seed)

    def loss(outputs: Mapping[str, Any], _inputs: Mapping[str, Tensor]) -> Tensor:
        embeddings: Tensor = outputs["embeddings"]
        noise = torch.randn(embeddings.shape, generator=generator).to(embeddings)
        return (embeddings - (embeddings.detach() + noise)).square().sum(-1).mean() / 2

    return loss


def binary_loss(outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Tensor:
    """Cross-entropy of logits (batch, 1) with labels (batch,) from 0 to 1; the mean over documents."""
    return F.binary_cross_entropy_with_logits(outputs["logits"][:, 0].float(), inputs["labels"].float())


def listwise_loss(candidates: int) -> Loss:
    """Cross-entropy between the labels of the candidates of a query, as shares of their sum, and the softmax of their
    scores (ListNet: Cao et al. 2007); logits (queries x candidates, 1), the mean over queries."""

    def loss(outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Tensor:
        log_shares = F.log_softmax(outputs["logits"].float().view(-1, candidates), dim=-1)
        labels = inputs["labels"].float().view(-1, candidates).clamp(min=0)
        return -(labels / labels.sum(-1, keepdim=True) * log_shares).sum(-1).mean()

    return loss
