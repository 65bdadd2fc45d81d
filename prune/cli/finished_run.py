"""Words that say how the speed of a finished run is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prune.errors import UserError

if TYPE_CHECKING:
    from prune.config.schema import Config
    from prune.results.layout import RunFolder
    from prune.results.record import Record

_GROUP = "evaluate.speed."


def speed_settings(command: str, words: list[str]) -> dict[str, Any]:
    """Keys of evaluate.speed and what they are to be, from the words after `command`.

    Raises:
        UserError: for any other word.
    """
    from prune.composition.command_line import read

    overrides = read(words).overrides
    if odd := [one for one in overrides if not one.key_or_group.startswith(_GROUP) or one.is_sweep_override()]:
        raise UserError(f"{command}: {odd[0].input_line!r} is not known. Allowed: {_GROUP}<setting>=<one value>")
    return {one.key_or_group: one.value() for one in overrides}


def config_with(record: Record, run: RunFolder, settings: Mapping[str, Any]) -> Config:
    """That of the run, where it lies now, with other `settings`."""
    from omegaconf import OmegaConf

    from prune.recipes.reproduction import config_of
    from prune.validation import check

    config: Any = OmegaConf.structured(config_of(record))
    for key, value in {**settings, "outputs": str(run.outputs or record.config["outputs"])}.items():
        OmegaConf.update(config, key, value)
    found: Config = OmegaConf.to_object(config)  # type: ignore[assignment]
    check(found)
    return found
