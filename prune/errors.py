"""What a user can mend. The command prints it without a traceback and exits with code 2."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """One mistake: names the thing, the value, what is allowed and the next step."""


class ConfigErrors(UserError):
    """All mistakes found in a configuration."""

    def __init__(self, problems: Sequence[str]):
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
