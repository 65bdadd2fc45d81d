"""Candidates: other settings of a method, which are compared in short trials before one of them is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune.config.keys import flatten
from prune.config.schema import Config, MethodConfig
from prune.runtime.sanitize import shown

_FIXED = ("name", "kind", "finish", "shape", "candidates", "candidate_fill")
"""What all candidates have in common."""


def candidates_of(config: Config) -> list[Config]:
    """`config` once for each of `method.candidates`, with that one's settings; itself where there are none.

    Raises:
        ValueError: if a candidate is no mapping of settings of the method.
    """
    if not config.method.candidates:
        return [config]
    return [_with(config, candidate) for candidate in config.method.candidates]


def in_words(candidate: Mapping[str, Any]) -> str:
    """The settings of a candidate, as a command would say them."""
    said = " ".join(f"method.{one.key}={shown(one.value)}" for one in flatten(candidate))
    return said or "no other settings"


def _with(config: Config, candidate: Any) -> Config:
    if not isinstance(candidate, dict) or not all(isinstance(key, str) for key in candidate):
        raise ValueError(f"{shown(candidate)} is no mapping of settings of the method, such as {{layers: 0.5}}")
    if fixed := [key for key in candidate if key in _FIXED]:
        raise ValueError(f"{fixed[0]} is the same for all candidates")
    own = replace(config.method, candidates=[], candidate_fill=MethodConfig().candidate_fill)
    try:
        method: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(own), candidate))
    except (OmegaConfBaseException, ValueError) as error:
        raise ValueError(f"{shown(candidate)}: {shown(str(error).splitlines()[0])}") from error
    return replace(config, method=method)
