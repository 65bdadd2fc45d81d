"""The order of the training examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_pt_utils import LengthGroupedSampler


class LengthGrouped(LengthGroupedSampler):
    """Batches of similar length, in an order that depends on seed and epoch alone: a resumed run finds its place."""

    def __init__(self, batch_size: int, lengths: list[int], seed: int):
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self.seed, self.epoch = seed, 0

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(self.seed * 100_003 + self.epoch)
        return iter(super().__iter__())  # type: ignore[no-untyped-call]


class SetEpoch(TrainerCallback):
    """Tells the sampler, and whatever else has an `epoch`, which one begins."""

    def __init__(self, *listeners: Any):
        self.listeners = [one for one in listeners if hasattr(one, "epoch")]

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for one in self.listeners:
            one.epoch = int(round(state.epoch or 0.0, 6))
