"""What a person sees while a run goes on: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from prune.runtime import distributed
from prune.runtime.console import console as new_console
from prune.runtime.progress_bar import left

_PLAIN_LINES = 10
WAITING = "waiting for another process"


class Screen:
    """Messages and training progress on standard error; results go to standard output.

    Of several processes the first speaks.
    """

    def __init__(self, console: Console | None = None):
        silent: dict[str, Any] = {} if distributed.is_main_process() else {"quiet": True, "force_terminal": False}
        self.console = console or new_console(stderr=True, soft_wrap=True, **silent)

    def say(self, text: str) -> None:
        """A line about the run."""
        self.console.print(text, markup=False)

    def stage(self, name: str, text: str) -> None:
        """A stage begins."""
        self.console.print(f"[bold]{name:>8}[/bold]  ", end="")
        self.console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Something that the user should not overlook."""
        self.console.print("[bold yellow] warning[/bold yellow]  ", end="")
        self.console.print(text, markup=False, style="yellow")

    @contextmanager
    def training(self, name: str, total: int, start: int = 0) -> Iterator[TrainingProgress]:
        """Progress of one training of `total` steps, beginning at step `start`."""
        if not self.console.is_terminal:
            yield TrainingProgress(self, name, total, start)
            return
        columns = (
            TextColumn("[bold]{task.description:>8}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[values]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, speed_estimate_period=60) as bar:
            task = bar.add_task(name, total=total, completed=start, values="")
            yield TrainingProgress(
                self, name, total, start, lambda step, text: bar.update(task, completed=step, values=text)
            )


class TrainingProgress:
    """Takes the values of a training as they come."""

    def __init__(
        self, screen: Screen, name: str, total: int, start: int, live: Callable[[int, str], None] | None = None
    ):
        self._screen, self._name, self._total, self._live = screen, name, total, live
        self._start, self._began = start, time.monotonic()
        self._next_line = start

    def update(self, step: int, values: Mapping[str, float]) -> None:
        """Shows `values` at `step`; without a terminal at every tenth of the training only."""
        text = "  ".join(f"{key} {value:.3f}" for key, value in values.items())
        if self._live is not None:
            self._live(step, text)
        elif step >= self._next_line or step == self._total:
            self._next_line = step + self._total // _PLAIN_LINES
            remaining = left(self._began, step - self._start, self._total - self._start)
            self._screen.say(f"{self._name:>8}  step {step}/{self._total}  {text}  left {remaining}")
