"""Which widths of matrices this machine likes: measured once per device, number format and size, and kept."""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path

import torch
from torch import nn

from prune.measure.environment import processor
from prune.measure.speed import seconds
from prune.outputs import write_at_once

CANDIDATES = (1, 8, 16, 32, 64)
_TOKENS = 1024
_SHARES = (0.11, 0.23, 0.37, 0.53, 0.71)
_REPEATS = 7


def fastest_multiple(hidden: int, width: int, device: torch.device, dtype: torch.dtype) -> int:
    """The multiple to which widths below `width` are best rounded up, between matrices of `hidden` features."""
    file, key = _file(), _key(hidden, width, device, dtype)
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    if key not in known:
        known[key] = _measured(hidden, width, device, dtype)
        write_at_once(file, json.dumps(known, indent=1) + "\n")
    return int(known[key])


def rounded_up(count: int, multiple: int, at_most: int) -> int:
    """The next multiple, but no more than there are."""
    return min(-(-count // multiple) * multiple, at_most)


def _file() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "prune" / "round_to.json"


def _key(hidden: int, width: int, device: torch.device, dtype: torch.dtype) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, {dtype}, {hidden} x {width}"


@torch.inference_mode()
def _measured(hidden: int, width: int, device: torch.device, dtype: torch.dtype) -> int:
    """The candidate with the least time over several widths; they take turns, so that all see the same weather."""
    inputs = torch.randn(_TOKENS, hidden, device=device, dtype=dtype)
    layers = {
        multiple: [
            nn.Sequential(nn.Linear(hidden, size), nn.Linear(size, hidden)).to(device, dtype)
            for share in _SHARES
            for size in [rounded_up(int(share * width) | 1, multiple, width)]
        ]
        for multiple in CANDIDATES
    }
    times: dict[int, list[float]] = {multiple: [] for multiple in CANDIDATES}
    for _ in range(_REPEATS):
        for multiple, pairs in layers.items():
            times[multiple].append(sum(seconds(device, lambda pair=pair: pair(inputs)) for pair in pairs))  # type: ignore[misc]
    return min(CANDIDATES, key=lambda multiple: statistics.median(times[multiple]))
