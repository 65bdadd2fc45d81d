"""Quality: a model's outputs on a split, for the task to score."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune.features import LENGTH, inputs_only


@torch.no_grad()
def outputs_of(
    model: PreTrainedModel, features: Dataset, names: tuple[str, ...], collator: Any, batch_size: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Outputs `names` of `model` in evaluation mode, (examples, ...) each, in the order of `features`.

    Inputs of similar length share a batch, so that little is spent on padding.
    """
    order = np.argsort(np.asarray(features[LENGTH]), kind="stable")[::-1]
    rows = inputs_only(features.select(order))
    device = model.device
    was_training = model.training
    model.eval()
    found: dict[str, list[Any]] = {name: [] for name in names}
    for batch in DataLoader(rows, batch_size=batch_size, collate_fn=collator):
        outputs = model(**{key: value.to(device) for key, value in batch.items()})
        for name in names:
            found[name].append(outputs[name].float().cpu().numpy())
    model.train(was_training)
    back = np.argsort(order)
    return {name: np.concatenate(parts)[back] for name, parts in found.items()}
