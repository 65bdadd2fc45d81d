"""The compute of a training, step by step, and how many steps a budget of it allows.

It follows from the lengths of the inputs and from the order of the batches alone, so that it is known before the first
step, and the same wherever a training is taken up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from datasets import Dataset

from prune.data.features import LENGTH
from prune.errors import UserError
from prune.measure.compute import Cost, Flops
from prune.training.sampler import LengthGrouped

_MOST_EPOCHS = 10_000


@dataclass
class Compute:
    """Of a training with batches of so many inputs, in an order that follows from the seed."""

    cost: Cost
    """Of a step."""
    lengths: tuple[Sequence[int], ...]
    """Tokens of each input, and of what a decoder is to write, where there is one."""
    batch_size: int
    seed: int
    texts: int = 1
    """That the model reads for each input, padded alike."""
    _epochs: list[Flops] = field(default_factory=list)
    """Until the end of each step of an epoch, from its beginning."""

    def until(self, step: int) -> float:
        """Floating-point operations of the first `step` steps."""
        whole, rest = divmod(step, self.steps_per_epoch)
        return sum(float(self._of_epoch(epoch)[-1]) for epoch in range(whole)) + (
            float(self._of_epoch(whole)[rest - 1]) if rest else 0.0
        )

    def steps_within(self, flops: float) -> int:
        """How many steps take at most so many floating-point operations.

        Raises:
            UserError: if not one does, or very many do.
        """
        first = self._of_epoch(0)
        if first[0] > flops:
            raise UserError(
                f"schedule.budget_flops={flops:g}: the first step of the dense model's training takes {first[0]:.4g}; "
                "allow more"
            )
        if flops / first[-1] > _MOST_EPOCHS:
            raise UserError(
                f"schedule.budget_flops={flops:g}: these are more than {_MOST_EPOCHS:,} epochs, of {first[-1]:.4g} "
                "each; allow less"
            )
        epoch = 0
        while (of_epoch := self._of_epoch(epoch))[-1] <= flops:
            flops -= float(of_epoch[-1])
            epoch += 1
        return epoch * self.steps_per_epoch + int(np.searchsorted(of_epoch, flops, side="right"))

    @property
    def steps_per_epoch(self) -> int:
        """The last of them may have fewer inputs than the others."""
        return -(-len(self.lengths[0]) // self.batch_size)

    def _of_epoch(self, number: int) -> Flops:
        sampler = LengthGrouped(self.batch_size, list(self.lengths[0]), self.seed)
        while len(self._epochs) <= number:
            sampler.epoch = len(self._epochs)
            flops = _flops_of_batches(self.cost, list(sampler), self.lengths, self.batch_size, self.texts)
            self._epochs.append(np.cumsum(flops))
        return self._epochs[number]


def flops_of_pass(cost: Cost, lengths: tuple[Sequence[int], ...], batch_size: int) -> float:
    """Floating-point operations of one pass over all inputs, those of similar length together."""
    order = np.argsort(np.asarray(lengths[0]), kind="stable")[::-1].tolist()
    return float(_flops_of_batches(cost, order, lengths, batch_size).sum())


def lengths_of(features: Dataset, *, with_labels: bool) -> tuple[Sequence[int], ...]:
    """Tokens of each input, and of its labels, where a decoder reads them."""
    lengths: Sequence[int] = features[LENGTH][:]
    return (lengths, [len(labels) for labels in features["labels"][:]]) if with_labels else (lengths,)


def _flops_of_batches(
    cost: Cost, order: Sequence[int], lengths: tuple[Sequence[int], ...], batch_size: int, texts: int = 1
) -> Flops:
    starts = np.arange(0, len(order), batch_size)
    sizes = np.diff(np.append(starts, len(order)))
    longest = (np.maximum.reduceat(np.asarray(one)[np.asarray(order)], starts) for one in lengths)
    return cost.of(texts * sizes, *longest)
