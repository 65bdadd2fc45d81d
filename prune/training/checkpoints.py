"""Checkpoints of an interrupted training: the last one that is whole."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from safetensors import safe_open

WEIGHTS = "model.safetensors"
_STATE = "trainer_state.json"


def step_of(checkpoint: Path) -> int:
    """The step that a checkpoint was made at."""
    return int(checkpoint.name.split("-")[1])


def history_of(checkpoint: Path) -> list[dict[str, float]]:
    """What was logged until a checkpoint."""
    return list(json.loads((checkpoint / _STATE).read_text("utf-8"))["log_history"])


def checkpoints(folder: Path) -> list[Path]:
    """All of them, the newest last."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=step_of)


def last_good_checkpoint(folder: Path, warn: Callable[[str], None]) -> Path | None:
    """The newest checkpoint in `folder` that can be read; broken ones are reported to `warn` and removed."""
    for path in reversed(checkpoints(folder)):
        problem = _problem_of(path)
        if problem is None:
            return path
        warn(f"the checkpoint {path} is corrupt ({problem}): going back to the one before it")
        shutil.rmtree(path)
    return None


def _problem_of(path: Path) -> str | None:
    """Why the checkpoint cannot be read, or None."""
    states = sorted(file.name for file in path.glob("rng_state*.pth")) or ["rng_state.pth"]  # one of each process
    for name, read in (_READERS | dict.fromkeys(states, _read_archive)).items():
        try:
            read(path / name)
        except Exception as error:  # whatever a broken file makes its reader raise
            return f"{name}: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}"
    return None


def _read_weights(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        for key in file.keys():
            file.get_slice(key)


def _read_archive(path: Path) -> None:
    """Reads what torch.save wrote, without unpickling it: each part against its checksum."""
    with zipfile.ZipFile(path) as archive:
        if broken := archive.testzip():
            raise ValueError(f"{broken} does not fit its checksum")


_READERS: dict[str, Callable[[Path], object]] = {
    _STATE: lambda path: json.loads(path.read_text("utf-8")),
    WEIGHTS: _read_weights,
    "optimizer.pt": _read_archive,
    "scheduler.pt": _read_archive,
}
