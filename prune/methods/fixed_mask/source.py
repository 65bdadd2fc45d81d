"""The run that a mask comes from."""

from __future__ import annotations

from pathlib import Path

from prune.files.paths import expanded, locate


def model_folder(mask: str) -> Path | None:
    """The folder of the model that `method.mask` names, itself or by its run; None if there is none."""
    named = locate(mask) or expanded(mask)
    return next((folder for folder in (named / "model", named) if (folder / "config.json").is_file()), None)
