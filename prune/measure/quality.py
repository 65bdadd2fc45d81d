"""Quality: a model's outputs on a split, for the task to score."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune.features import LENGTH, inputs_only
from prune.progress import track


@torch.no_grad()
def outputs_of(
    model: PreTrainedModel,
    features: Dataset,
    names: tuple[str, ...],
    collator: Any,
    batch_size: int,
    *,
    per_token: bool = False,
) -> dict[str, list[np.ndarray[Any, Any]]]:
    """Outputs `names` of `model` in evaluation mode, one array per input each, in the order of `features`.

    Inputs of similar length share a batch, so that little is spent on padding. `per_token`: an output's first axis are
    the input's tokens; padding is cut off.
    """
    lengths = np.asarray(features[LENGTH])
    order = np.argsort(lengths, kind="stable")[::-1]
    inputs = inputs_only(features.select(order))
    device = model.device
    was_training = model.training
    model.eval()
    found: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in names}
    loader = DataLoader(inputs, batch_size=batch_size, collate_fn=collator)
    for batch in track(loader, "asking the model", len(loader)):
        outputs = model(**{key: value.to(device) for key, value in batch.items()})
        for name in names:
            found[name] += list(outputs[name].float().cpu().numpy())
    model.train(was_training)
    if per_token:
        found = {name: [row[:n] for row, n in zip(found[name], lengths[order], strict=True)] for name in names}
    back = np.argsort(order)
    return {name: [rows[place] for place in back] for name, rows in found.items()}
