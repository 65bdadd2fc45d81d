"""What has been measured on this machine, kept for the next run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.files.paths import cache_folder
from prune.measure.environment import processor


def remembered(
    file_name: str,
    key: str,
    measure: Callable[[], Any],
    is_good: Callable[[Any], bool],
    say: Callable[[str], None],
    is_worth_keeping: Callable[[Any], bool] = lambda _: True,
) -> Any:
    """The value of `key` in this user's cache; measured now, and kept, if no good one is there. It must be plain JSON.

    Where it cannot be kept, `say` gets a line.
    """
    file = cache_folder() / file_name
    known = _read(file)
    if key not in known or not is_good(known[key]):
        known[key] = measure()
        if not is_worth_keeping(known[key]):
            return known[key]
        try:
            write_at_once(file, json.dumps(known, indent=1) + "\n")
        except (OSError, UserError) as error:
            say(f"{file} cannot be written, so this is measured again in the next run ({error})")
    return known[key]


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def machine(device: torch.device, dtype: torch.dtype) -> str:
    """All that times depend on but the model."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, {dtype}"
