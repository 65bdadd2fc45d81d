"""Quality: a model's outputs on a split, for the task to score."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from prune.data.features import LENGTH, inputs_only
from prune.runtime import distributed
from prune.runtime.progress_bar import track


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

    Inputs of similar length share a batch, so that little is spent on padding; processes share the batches.
    `per_token`: an output's first axis are the input's tokens; padding is cut off.
    """
    lengths = np.asarray(features[LENGTH][:])
    by_length = np.argsort(lengths, kind="stable")[::-1].tolist()
    batches = [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]
    shares = [batches[place :: distributed.num_processes()] for place in range(distributed.num_processes())]
    device = model.device
    was_training = model.training
    model.eval()
    found: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in names}
    loader = DataLoader(inputs_only(features), batch_sampler=shares[distributed.process_index()], collate_fn=collator)
    for batch in track(loader, "asking the model", len(loader)):
        outputs = model(**{key: value.to(device) for key, value in batch.items()})
        for name in names:
            found[name] += list(outputs[name].float().cpu().numpy())
    model.train(was_training)
    order = [row for share in shares for batch in share for row in batch]
    found = {name: [row for rows in distributed.all_gather(own) for row in rows] for name, own in found.items()}
    if per_token:
        found = {name: [row[:n] for row, n in zip(found[name], lengths[order], strict=True)] for name in names}
    back = np.argsort(order)
    return {name: [rows[place] for place in back] for name, rows in found.items()}
