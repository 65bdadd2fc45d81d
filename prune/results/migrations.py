"""Versions of records: an old one is read as a new one would have been written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prune.measure.hardware import hardware

VERSION = 2
"""Of the records that this program writes. A field with a default is added without another version: a program gives it
its default where it is not there, and ignores fields that it does not know."""


class NewerVersion(ValueError):
    """A record that this program is too old for."""


def upgraded(content: Any) -> dict[str, Any]:
    """What a record of any known version holds, as the current version has it.

    Raises:
        NewerVersion: if it is of a version that this program does not know yet.
        ValueError: if it is no record, or is damaged.
    """
    version = content.get("version") if isinstance(content, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError("it is no record of a run")
    if version > VERSION:
        raise NewerVersion(
            f"it is of version {version}, and this program reads records up to version {VERSION}: update prune to the "
            "version that wrote it"
        )
    try:
        for older in range(version, VERSION):
            content = MIGRATIONS[older](content) | {"version": older + 1}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is damaged: version {version} has a setting, a config and an environment") from error
    return dict(content)


def _name_the_hardware(content: dict[str, Any]) -> dict[str, Any]:
    """1 -> 2: `measured_on`. Of an exported model, version 1 named the format at the end of its setting only."""
    environment, speed = content["environment"], content["config"].get("evaluate", {}).get("speed", {})
    runtimes = {"ONNX": "ONNX", "ONNX int8": "ONNX", "torch.export": "torch.export", "stock": "stock"}
    if runtime := runtimes.get(content["setting"].rsplit(", ", 1)[-1]):
        return content | {"measured_on": hardware(environment, "cpu", runtime=runtime)}
    return content | {"measured_on": hardware(environment, speed.get("device", "auto"), speed.get("dtype", "float32"))}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _name_the_hardware}
"""Version -> what makes its content that of the next."""
