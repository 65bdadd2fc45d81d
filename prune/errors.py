"""What a user can mend. The command prints it without a traceback and exits with code 2."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_MOST = 50


class UserError(Exception):
    """One mistake: names the thing, the value, what is allowed and the next step."""


class ConfigErrors(UserError):
    """The mistakes found in a configuration, each once, and no more than anybody reads."""

    def __init__(self, problems: Iterable[str]):
        self.problems = tuple(dict.fromkeys(islice(problems, _MOST)))
        super().__init__("\n".join(self.problems))


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return str(error).strip().split("\n")[0][:200]
