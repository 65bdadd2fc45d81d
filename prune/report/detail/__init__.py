"""What a run's folders know beside its record: how training went, and what is left of each matrix.

That takes a look at all weights, so it is kept beside the record, in `report.json`. From there it is also told of a run
whose models are not at hand any more, or that somebody sent without them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prune.outputs import RunFolder, StageFolder, dense_folder, pruned_folder, write_at_once
from prune.own_recipe import config_of
from prune.report.detail.curves import Curve, curves_of
from prune.report.detail.matrices import Blocks, Matrix, Sublayer, sublayers_of
from prune.report.record import Record

VERSION = 1
STAGES = ("dense", "prune", "compact", "fill")
_OUTPUTS = 4
"""Levels of the outputs folder above a run's: task, model, method, hash."""


@dataclass(frozen=True)
class Stage:
    """One stage; `seconds` and `peak_memory_bytes` are None where it does not say."""

    name: str
    seconds: float | None
    peak_memory_bytes: float | None
    curves: list[Curve]


@dataclass(frozen=True)
class Detail:
    """One run, beside its record. What its folders do not hold is empty."""

    stages: list[Stage] = field(default_factory=list)
    sublayers: list[Sublayer] = field(default_factory=list)
    recipe: str = ""
    files: dict[str, int] = field(default_factory=dict)
    """What it was made from in the run's folder, with sizes in bytes."""
    version: int = VERSION


def detail_of(folder: Path, record: Record | None) -> Detail:
    """Of the run in `folder`, which may lack anything; `record` None: it is not finished.

    An exported model is the run's in another format, so its detail is the run's.
    """
    run = RunFolder(folder.parent.parent if folder.parent.name == "exported" else folder)
    files = _files(run)
    known = _read(run.report)
    if known is not None and all(known.files.get(name) == size for name, size in files.items()):
        return known
    folders = _stage_folders(run, record)
    stages = [_stage(name, folders.get(name), record) for name in STAGES]
    detail = Detail(
        stages=[stage for stage in stages if stage.seconds is not None or stage.curves],
        sublayers=_sublayers(run, folders, record),
        recipe=run.recipe.read_text() if run.recipe.exists() else "",
        files=files,
    )
    if record is not None:
        _keep(run.report, detail)
    return detail


def _files(run: RunFolder) -> dict[str, int]:
    """What may change what is told, with sizes."""
    there = [run.record, run.recipe, run.compacted.report, run.filled.report, run.filled.history]
    there += [*run.model.glob("*.safetensors"), *run.compacted.model.glob("*.safetensors")]
    return {file.relative_to(run.path).as_posix(): file.stat().st_size for file in there if file.exists()}


def _stage_folders(run: RunFolder, record: Record | None) -> dict[str, StageFolder]:
    found = {"compact": run.compacted, "fill": run.filled}
    place = run.path.resolve()
    if record is None or len(place.parents) <= _OUTPUTS or not (place.parents[_OUTPUTS] / "dense").is_dir():
        return found
    try:
        config = config_of(record)
    except Exception:  # OmegaConf's many kinds: a config of another version has no folders that we know
        return found
    config.outputs = str(place.parents[_OUTPUTS])
    return found | {"dense": dense_folder(config), "prune": pruned_folder(config)}


def _stage(name: str, folder: StageFolder | None, record: Record | None) -> Stage:
    report = _json(folder.report, dict) if folder else {}
    history = _json(folder.history, list) if folder else []
    seconds, memory = (record.seconds, record.peak_memory_bytes) if record else ({}, {})
    return Stage(
        name,
        seconds.get(name, report.get("seconds")),
        memory.get(name, report.get("peak_memory_bytes")),
        curves_of(history),
    )


def _sublayers(run: RunFolder, folders: Mapping[str, StageFolder], record: Record | None) -> list[Sublayer]:
    stages = {}
    filled = run.filled.report.exists()
    if run.compacted.model.exists() and (filled or not run.model.exists()):
        stages["compact"] = run.compacted.model
    if run.model.exists():
        stages["fill" if filled else "compact"] = run.model
    if not stages:
        return []
    dense = folders["dense"].model if "dense" in folders and folders["dense"].model.exists() else None
    try:
        return sublayers_of(stages, dense, _blocks(record.config if record else {}))
    except (OSError, ValueError, LookupError):
        return []


def _blocks(config: Mapping[str, Any]) -> Blocks:
    sites = {site: config.get("method", {}).get(site, {}) for site in ("attention", "feed_forward")}
    return {site: tuple(one["block"]) if one.get("grain") == "block" else (1, 1) for site, one in sites.items()}


def _json(file: Path, kind: type) -> Any:
    """What a file holds; empty if it is absent, damaged, or of another kind."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        content = None
    return content if isinstance(content, kind) else kind()


def _read(file: Path) -> Detail | None:
    content = _json(file, dict)
    if content.get("version") != VERSION:
        return None
    stages = [Stage(**one | {"curves": [Curve(**c) for c in one["curves"]]}) for one in content["stages"]]
    layers = [Sublayer(**one | {"matrices": [Matrix(**m) for m in one["matrices"]]}) for one in content["sublayers"]]
    return Detail(**content | {"stages": stages, "sublayers": layers})


def _keep(file: Path, detail: Detail) -> None:
    """Writes it where it will be looked for; a folder that is not ours to write in stays as it is."""
    try:
        write_at_once(file, json.dumps(asdict(detail), separators=(",", ":")) + "\n")
    except OSError:
        return
