"""The flags of a command: those of Hydra that mean something here. All others are refused by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prune.errors import UserError
from prune.runtime.registry import nearest
from prune.runtime.sanitize import shown

_SWEEP, _SHOW, _RESOLVE, _COMPLETE = "--multirun", "--cfg", "--resolve", "--shell-completion"
_NAMES = {"-m": _SWEEP, "-c": _SHOW, "-sc": _COMPLETE} | {name: name for name in (_SWEEP, _SHOW, _RESOLVE, _COMPLETE)}
_LINE = "COMP_LINE"
_SHELLS = ("bash", "zsh", "fish")
_VALUES = {
    _SHOW: ["job"],
    _COMPLETE: [f"{verb}={shell}" for verb in ("install", "uninstall", "query") for shell in _SHELLS],
}
"""Flags that are followed by a value, and what it may be."""
_KNOWN = "-m (a sweep), --cfg job (shows the config), --resolve (with --cfg), -sc install=bash (completion), --help"


@dataclass(frozen=True)
class Flags:
    """The flags of a command, each once."""

    given: dict[str, str | None]
    """Flag -> its value, if it has one."""

    @property
    def sweep(self) -> bool:
        """Whether several runs are asked for."""
        return _SWEEP in self.given

    @property
    def complete(self) -> bool:
        """Whether a shell asks how a word could go on, or for what makes it ask."""
        return _COMPLETE in self.given

    @property
    def words(self) -> list[str]:
        """As Hydra reads them."""
        return [word for pair in self.given.items() for word in pair if word is not None]

    @property
    def complete_recipe(self) -> bool:
        """Whether a shell asks about a word that may become `recipe=`, or is: all recipes are read for the answer."""
        word = os.environ.get(_LINE, "").rpartition(" ")[2]
        return self.complete and (word.startswith("recipe") or "recipe".startswith(word))

    def refuse_no_shell(self) -> None:
        """Raises UserError where a shell's question is asked by somebody else."""
        if (asked := self.given.get(_COMPLETE) or "").startswith("query") and _LINE not in os.environ:
            raise UserError(f"-sc {asked}: asked by a shell, which sets {_LINE}; -sc install=<shell> makes it do so")


def split(words: Sequence[str]) -> tuple[Flags, list[str]]:
    """The flags of a command, and its other words.

    Raises:
        UserError: at a flag that is not known, has a wrong value, or does not go with another.
    """
    given: dict[str, str | None] = {}
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            name, value = _read(word, rest)
            given[name] = value
        else:
            others.append(word)
    if len(alone := [name for name in given if name in (_SWEEP, _SHOW, _COMPLETE)]) > 1:
        raise UserError(f"{alone[1]}: does not go together with {alone[0]}; leave out one")
    if _RESOLVE in given and _SHOW not in given:
        raise UserError(f"{_RESOLVE}: belongs to --cfg job, which shows the config with references filled in")
    return Flags(given), others


def _read(word: str, rest: Iterator[str]) -> tuple[str, str | None]:
    """A flag and its value: the next word, or what stands behind `=`."""
    start, equals, behind = word.partition("=")
    if (name := _NAMES.get(start)) is None or (equals and name not in _VALUES):
        raise UserError(f"{shown(word)}: is no flag of prune. Allowed: {_KNOWN}")
    if (allowed := _VALUES.get(name)) is None:
        return name, None
    value = behind if equals else next(rest, "")
    if value not in allowed:
        said = f"{start} {shown(value)}: not known{nearest(value, allowed)}" if value else f"{start}: it needs a value"
        raise UserError(f"{said}. Allowed: {', '.join(allowed)}")
    return name, value
