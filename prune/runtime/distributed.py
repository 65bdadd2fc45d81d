"""Several processes in one run, as torchrun starts them: all of them train; the first one alone writes and speaks.

What one process alone does (scores, measurements, files) the others wait for, and they fail with it. Imports nothing
heavy, and does nothing where there is one process.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from prune.errors import UserError

T = TypeVar("T")

_PATIENCE = timedelta(days=7)
"""How long a process waits for another; one that has failed is noticed by whoever started them."""
_state = {"alone": False}


def world_size() -> int:
    """How many processes the run has."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def num_processes() -> int:
    """How many processes share the work at this moment."""
    return 1 if _state["alone"] else world_size()


def process_index() -> int:
    """The number of this one among them, from 0."""
    return int(os.environ.get("RANK", "0")) if num_processes() > 1 else 0


def is_main_process() -> bool:
    """Whether this process is the one that writes and speaks."""
    return world_size() == 1 or int(os.environ.get("RANK", "0")) == 0


def broadcast_from_main(make: Callable[[], T]) -> T:
    """What the first process makes; the others wait for it.

    Raises:
        UserError: in all of them, if it does in the first.
    """
    if num_processes() == 1:
        return make()
    made: T | None = None
    error: UserError | None = None
    if is_main_process():
        try:
            with _alone():
                made = make()
        except UserError as found:
            error = found
    result, problem = _broadcast((made, error and str(error)))
    if problem is not None:
        raise error or UserError(problem)
    return made if is_main_process() else result  # type: ignore[return-value]  # made, as there was no problem


def on_main_process(make: Callable[[], T]) -> T | None:
    """What the first process makes and keeps for itself; the others wait for it, and get None.

    Raises:
        UserError: in all of them, if it does in the first.
    """
    made: list[T] = []
    broadcast_from_main(lambda: made.append(make()))
    return made[0] if made else None


def main_process_first(make: Callable[[], T]) -> T:
    """What each process makes for itself, the first one first: the others find in caches what it has left there.

    Raises:
        UserError: in all of them, if it does in one.
    """
    if num_processes() == 1:
        return make()
    made, error = on_main_process(make), None
    try:
        with _alone():
            made = made if is_main_process() else make()
    except UserError as found:
        error = found
    if problem := next(filter(None, all_gather(error and str(error))), None):
        raise error or UserError(problem)
    return made  # type: ignore[return-value]  # made, as there was no problem


def all_gather(value: T) -> list[T]:
    """The values of all processes, in their order, for each of them."""
    if num_processes() == 1:
        return [value]
    from torch import distributed

    values: list[Any] = [None] * num_processes()
    distributed.all_gather_object(values, value, group=_group())
    return values


@contextmanager
def _alone() -> Iterator[None]:
    """This process does not share its work meanwhile."""
    _state["alone"] = True
    try:
        yield
    finally:
        _state["alone"] = False


def _broadcast(value: Any) -> Any:
    from torch import distributed

    content = [value]
    distributed.broadcast_object_list(content, src=0, group=_group())
    return content[0]


@cache
def _group() -> Any:
    """For words between processes, over the network and with patience; gradients have the group of accelerate."""
    import torch
    from accelerate import PartialState

    state = PartialState(cpu=not torch.accelerator.is_available())
    atexit.register(state.destroy_process_group)
    return torch.distributed.new_group(backend="gloo", timeout=_PATIENCE)
