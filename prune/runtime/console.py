"""The console that everything is shown on: what others wrote cannot move a terminal's cursor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from prune.runtime.sanitize import for_terminal


class SafeConsole(Console):
    """Rich's console; only its own control codes reach the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yields the segments of `renderable`, their text without control characters."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else for_terminal(text), style, control)


def console(*, stderr: bool = False, **options: Any) -> SafeConsole:
    """On standard output, or on standard error."""
    return SafeConsole(stderr=stderr, highlight=False, **options)
