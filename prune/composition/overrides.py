"""Words in Hydra's grammar, `key=value`: what could not be read, or would take long to read, is refused before."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from prune.errors import UserError
from prune.files.limits import DEEPEST
from prune.runtime.sanitize import is_inert, shown

LONGEST = 10_000
"""Characters of all words together, which a second is enough to read."""
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", flags=re.DOTALL)
_EXAMPLE = "'task.label=\"a,b\"'"
_FROM_FUNCTION = "Error parsing override"
"""How Hydra begins to tell what a function of its grammar has found, in a line of its own."""


def parsed(words: Sequence[str]) -> list[Override]:
    """`words` as Hydra understands them.

    Raises:
        UserError: at words that it cannot read.
    """
    return [_parsed(word) for word in words]


def refuse_unreadable(words: Sequence[str]) -> None:
    """Raises UserError for words that nothing could be read from, or only in a long time."""
    if (length := sum(map(len, words))) > LONGEST:
        longest = max(words, key=len)
        raise UserError(
            f"{shown(longest)}: the command has {length:,} characters, and may have {LONGEST:,}; what is long goes "
            "into a recipe, as in recipe=mine.yaml"
        )
    for word in words:
        if not is_inert(word):
            raise UserError(f"{shown(word)}: it holds a character that cannot be shown, or that is no UTF-8")
        if _depth(word) > DEEPEST:
            raise UserError(f"{shown(word)}: it has more than {DEEPEST} levels of brackets")


def values(override: Override) -> list[str]:
    """A word per value; for an interval one per end."""
    key, value = override.get_key_element(), override.value()
    if isinstance(value, IntervalSweep):
        return [f"{key}={value.start}", f"{key}={value.end}"]
    if override.is_sweep_override():
        return [f"{key}={one}" for one in override.sweep_string_iterator()]
    return [f"{key}={override.get_value_element_as_str()}"]


def number_of_values(override: Override) -> int:
    """How many values it has, found without going through them.

    Raises:
        UserError: where it is a range or an interval that leads nowhere.
    """
    value = override.value()
    if isinstance(value, RangeSweep):
        return _number_in(value, override)
    if isinstance(value, IntervalSweep):
        _refuse_no_interval(value, override)
    return len(plain_values(override))


def plain_values(override: Override) -> list[Any]:
    """The values as a config would have them; of an interval its ends."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [value.start, value.end]
    if override.is_sweep_override():
        return list(override.sweep_iterator())
    return [value]


def _number_in(sweep: RangeSweep, override: Override) -> int:
    start, stop, step = sweep.start, sweep.stop, sweep.step
    assert start is not None and stop is not None
    try:
        return max(0, math.ceil((Fraction(stop) - Fraction(start)) / Fraction(step)))
    except (ArithmeticError, ValueError) as error:  # a step of 0, an end that is inf or nan
        raise UserError(f"{shown(override.input_line)}: a range goes from one number to another in steps") from error


def _refuse_no_interval(value: IntervalSweep, override: Override) -> None:
    start, end = value.start, value.end
    assert start is not None and end is not None
    if not -math.inf < start < end < math.inf:
        raise UserError(f"{shown(override.input_line)}: an interval goes from one number to a greater one")


@lru_cache(maxsize=LONGEST)
def _parsed(word: str) -> Override:
    try:
        (found,) = OverridesParser.create().parse_overrides([word])
    except HydraException as error:
        raise UserError(f"{shown(word)}: {_reason(word, str(error))}") from error
    except (ValueError, RecursionError) as error:  # a number of more than 4,300 digits
        raise UserError(f"{shown(word)}: it cannot be read; is it far too long?") from error
    return found


def _reason(word: str, error: str) -> str:
    """Why Hydra cannot read `word`."""
    head, _, reason = error.partition("\n")
    if head.startswith(_FROM_FUNCTION):
        return shown(reason.splitlines()[0])
    if "=" not in word:
        return "is no key=value"
    return (
        "is no key=value that can be read; close what is opened, and put what is more than a plain word into quotes "
        f"within quotes, as in {_EXAMPLE}"
    )


def _depth(word: str) -> int:
    """Levels of brackets outside of quotes."""
    steps = ((one in "[{(") - (one in "]})") for one in _QUOTED.sub("", word))
    return max(accumulate(steps), default=0)
