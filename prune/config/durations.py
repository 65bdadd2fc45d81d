"""A stretch of training: a fraction of it (0.05) or a number of steps (\"5400 steps\")."""

from __future__ import annotations

import re

from prune.runtime.sanitize import shown

_STEPS = re.compile(r"(\d{1,9}) ?steps?", flags=re.ASCII)


def in_steps(duration: object, total: int) -> int:
    """Number of steps that `duration` means in a training of `total` steps, at most `total`.

    Raises:
        ValueError: if it is neither a fraction in [0, 1] nor a text such as \"5400 steps\".
    """
    if isinstance(duration, str) and (match := _STEPS.fullmatch(duration.strip())):
        return min(int(match.group(1)), total)
    if isinstance(duration, (int, float)) and not isinstance(duration, bool) and 0 <= duration <= 1:
        return round(duration * total)
    raise ValueError(
        f'{shown(repr(duration))} is no duration: a fraction of training from 0 to 1 (0.1), or steps ("5400 steps")'
    )
