"""Targets: what the pruned model must be. One run visits the values of a list in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from prune.config.schema import Config, TargetConfig

_LABELS = {"density": "density {:g}", "params": "params {:g}", "speedup": "speed-up {:g}", "latency_ms": "{:g} ms"}
TIMES = ("speedup", "latency_ms")
"""Kinds that are about speed, not about size."""


@dataclass(frozen=True)
class Target:
    """One value of one kind: a field of `TargetConfig`."""

    kind: str
    value: float

    def __str__(self) -> str:
        return _LABELS[self.kind].format(self.value)

    @property
    def is_time(self) -> bool:
        """Whether it is about speed, not about size."""
        return self.kind in TIMES


def given(config: Config) -> dict[str, list[Any]]:
    """The targets that are named, by their kind, as lists."""
    values = {field.name: getattr(config.target, field.name) for field in fields(TargetConfig)}
    return {
        kind: list(value) if isinstance(value, (list, tuple)) else [value]
        for kind, value in values.items()
        if value is not None
    }


def target_of(config: Config) -> Target | None:
    """The one target of `config`, if it has one."""
    for kind, (value, *_) in given(config).items():
        return Target(kind, float(value))
    return None


def each(config: Config) -> Iterator[Config]:
    """`config` once per value of its target; itself where it has none."""
    found = given(config)
    if not found:
        yield config
    for kind, values in found.items():
        for value in values:
            yield replace(config, target=TargetConfig(**{kind: value}))
