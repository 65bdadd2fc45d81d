"""What a run's folders know beyond its record: how training went, and what is left of each weight matrix.

It takes reading all weights, so it is cached beside the record, in `report.json`. The cache also serves a run whose
models are gone, or that somebody sent without them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from prune.config.schema import Config
from prune.files import confined, strict_yaml
from prune.masking.grains import TILED
from prune.pipeline import stage as pipeline
from prune.pipeline.method import stages_of
from prune.recipes.reproduction import config_of
from prune.report.detail.curves import Curve, curves_of
from prune.report.detail.matrices import Blocks, Matrix, Sublayer, are_sound, sublayers_of
from prune.results.layout import RunFolder, StageFolder
from prune.results.record import Record
from prune.results.typed import check_of, is_finite
from prune.runtime.sanitize import for_terminal

VERSION = 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}", flags=re.ASCII)
"""Of a stage."""
_MOST_STAGES, _MOST_CURVES = 100, 100


@dataclass(frozen=True)
class Stage:
    """One stage; `seconds` and `peak_memory_bytes` are None where it does not say."""

    name: str
    seconds: float | None
    peak_memory_bytes: float | None
    curves: list[Curve]

    @property
    def is_sound(self) -> bool:
        """Whether it can be drawn."""
        known = [figure for figure in (self.seconds, self.peak_memory_bytes) if figure is not None]
        in_range = all(is_finite(figure) and figure >= 0 for figure in known)
        return (
            _NAME.fullmatch(self.name) is not None
            and in_range
            and len(self.curves) <= _MOST_CURVES
            and all(c.is_sound for c in self.curves)
        )


@dataclass(frozen=True)
class Detail:
    """One run beyond its record. What its folders do not hold is empty."""

    stages: list[Stage] = field(default_factory=list)
    sublayers: list[Sublayer] = field(default_factory=list)
    recipe: str = ""
    files: dict[str, int] = field(default_factory=dict)
    """What it was made from in the run's folder, with sizes in bytes."""
    version: int = VERSION


def detail_of(folder: Path, record: Record | None) -> Detail:
    """The detail of the run in `folder`, which may lack anything; `record` None: it is not finished.

    An exported model is the run's in another format, so its detail is the run's.
    """
    run = RunFolder(folder.parent.parent if folder.parent.name == "exported" else folder)
    files = _files(run)
    cached = cached_detail(run)
    if cached is not None and all(cached.files.get(name) == size for name, size in files.items()):
        return cached
    folders = _stage_folders(run, record)
    stages = [_stage(name, stage, record) for name, stage in folders.items()]
    detail = Detail(
        stages=[stage for stage in stages if stage.is_sound and (stage.seconds is not None or stage.curves)],
        sublayers=_sublayers(run, folders, record),
        recipe=_recipe(run),
        files=files,
    )
    if record is not None:
        _cache(run, detail)
    return detail


def _files(run: RunFolder) -> dict[str, int]:
    """The files that a detail is made from, with their sizes in bytes."""
    sources = [run.record, run.recipe, run.compacted.report, run.filled.report, run.filled.history]
    sources += [*run.model.glob("*.safetensors"), *run.compacted.model.glob("*.safetensors")]
    return {file.relative_to(run.path).as_posix(): file.stat().st_size for file in sources if file.exists()}


def _recipe(run: RunFolder) -> str:
    """The text of its recipe, with control characters escaped; empty where there is none that can be read."""
    try:
        return for_terminal(confined.read_text(run.path, run.recipe, strict_yaml.LARGEST))
    except (OSError, ValueError):
        return ""


def _stage_folders(run: RunFolder, record: Record | None) -> dict[str, StageFolder | None]:
    """Stages in their order -> where each one's report may be; shared folders are looked for beside the run."""
    usual = {"dense": None, "prune": None, "compact": run.compacted, "fill": run.filled}
    if record is None or (outputs := run.outputs) is None:
        return usual
    try:
        config = config_of(record)
        config.outputs = str(outputs)
        folders = {stage.name: _folder_of(stage, run, config) for stage in stages_of(config)}
        for folder in folders.values():
            confined.check(outputs, folder.path)
    except Exception:  # OmegaConf's many kinds: a config of another version has no folders that we know
        return usual
    return {**folders}


def _folder_of(stage: pipeline.Stage, run: RunFolder, config: Config) -> StageFolder:
    return stage.folder(config) if stage.shared else run.stage(stage.directory)


def _stage(name: str, folder: StageFolder | None, record: Record | None) -> Stage:
    report = _json(folder.path, folder.report, dict) if folder else {}
    history = _json(folder.path, folder.history, list) if folder else []
    seconds, memory = (record.seconds, record.peak_memory_bytes) if record else ({}, {})
    return Stage(
        name,
        seconds.get(name, report.get("seconds")),
        memory.get(name, report.get("peak_memory_bytes")),
        curves_of(history),
    )


def _sublayers(run: RunFolder, folders: Mapping[str, StageFolder | None], record: Record | None) -> list[Sublayer]:
    stages = {}
    filled = run.filled.report.exists()
    if run.compacted.model.exists() and (filled or not run.model.exists()):
        stages["compact"] = run.compacted.model
    if run.model.exists():
        stages["fill" if filled else "compact"] = run.model
    if not stages:
        return []
    try:
        for folder in stages.values():
            confined.check(run.path, folder)
        sublayers = sublayers_of(stages, _model_of(folders["dense"]), _blocks(record.config if record else {}))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []
    return sublayers if are_sound(sublayers) else []


def dense_model(run: RunFolder, record: Record) -> Path | None:
    """The folder of the dense model that a run began with; None where it is not there."""
    return _model_of(_stage_folders(run, record)["dense"])


def _model_of(folder: StageFolder | None) -> Path | None:
    return folder.model if folder is not None and folder.model.exists() else None


def _blocks(config: Mapping[str, Any]) -> Blocks:
    sites = {site: config.get("method", {}).get(site, {}) for site in ("attention", "feed_forward")}
    return {
        site: tuple(settings["block"]) if settings.get("grain") in TILED else (1, 1) for site, settings in sites.items()
    }


def _json(root: Path, file: Path, kind: type) -> Any:
    """The content of a JSON file; empty if it is absent, damaged, or of another kind."""
    try:
        content = confined.read_json(root, file)
    except (OSError, ValueError):
        content = None
    return content if isinstance(content, kind) else kind()


def cached_detail(run: RunFolder) -> Detail | None:
    """The cached detail; None where it is absent, of another version, or cannot be what this program wrote."""
    content = _json(run.path, run.report, dict)
    if content.get("version") != VERSION or _CHECK(content) is not None:
        return None
    try:
        stages = [Stage(**s | {"curves": [Curve(**c) for c in s["curves"]]}) for s in content["stages"]]
        layers = [Sublayer(**s | {"matrices": [Matrix(**m) for m in s["matrices"]]}) for s in content["sublayers"]]
        detail = Detail(**content | {"stages": stages, "sublayers": layers})
    except (TypeError, LookupError):
        return None
    sound = len(stages) <= _MOST_STAGES and all(stage.is_sound for stage in stages) and are_sound(layers)
    return replace(detail, recipe=for_terminal(detail.recipe)) if sound else None


_CHECK = check_of(Detail)


def _cache(run: RunFolder, detail: Detail) -> None:
    """Writes the detail to where it is looked for; a folder that cannot be written to stays as it is."""
    try:
        confined.write(run.path, run.report, json.dumps(asdict(detail), separators=(",", ":")) + "\n")
    except OSError:
        return
