"""Tiny models of half the size, and inputs for them."""

import torch

from prune.compaction.structure import Structure
from tests.conftest import SHAPE

LENGTH = 7


def half(sublayers, site):
    """A structure that keeps every second unit of one site and all of the other."""
    kept = {s.name: tuple(range(0, s.num_units, 2 if s.site == site else 1)) for s in sublayers}
    return Structure("bert", kept)


def batch(size=1, length=LENGTH):
    return {"input_ids": torch.arange(size * length).view(size, length) % SHAPE["vocab_size"]}
