"""Fisher information of a gate of value 1 on each unit (Theis et al. 2018; Kwon et al. 2022, eq. 5).

Where a trained model's loss L is flat, removing the units of a set R raises it by about 1/2 sum over r in R of
E[(dL/dm_r)^2], with gates m = 1 and the mean over examples. Interactions between units are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from prune.criteria.saliency import Saliency
from prune.masking.gates import gated
from prune.models.sublayers import Sublayer


class Fisher(Saliency):
    """The mean over examples of the squared gradient of an example's loss with respect to a unit's gate."""

    def score(
        self, model: Any, sublayers: Sequence[Sublayer], batches: Iterable[Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        total = {sublayer.name: torch.zeros(sublayer.num_units) for sublayer in sublayers}
        number = 0
        with gated(model.base_model, sublayers) as gates:
            for batch in batches:
                size = len(batch["input_ids"])
                (model(**batch).loss * size).backward()  # the loss is the mean over the batch
                for name, of_sublayer in gates.items():
                    total[name] += of_sublayer.take_gradients().square().sum(0).cpu()
                number += size
        return {name: values / number for name, values in total.items()}


SALIENCY = Fisher()
