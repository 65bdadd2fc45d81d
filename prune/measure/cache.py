"""What has been measured on this machine, kept for the next run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch

from prune.measure.environment import processor
from prune.outputs import write_at_once
from prune.places import cache_folder


def remembered(file_name: str, key: str, measure: Callable[[], Any]) -> Any:
    """The value of `key` in this user's cache; measured now, and kept, if it is not there. It must be plain JSON."""
    file = cache_folder() / file_name
    try:
        known = dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        known = {}
    if key not in known:
        known[key] = measure()
        write_at_once(file, json.dumps(known, indent=1) + "\n")
    return known[key]


def machine(device: torch.device, dtype: torch.dtype) -> str:
    """All that times depend on but the model."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, {dtype}"
