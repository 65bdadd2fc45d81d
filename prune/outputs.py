"""Run ids, and every file name under the outputs folder. The one place that knows them.

outputs/
  results.csv, results.md           the table over all records
  report.html                       the page over all of them
  figures/                          its figures, as SVG and PNG
  dense/<id>/                       a fine-tuned unpruned model, shared by all runs that need the same one
  pruned/<id>/                      a masked model after training, shared likewise (hybrid and hybrid_filled)
  <task>/<model>/<method>/<hash>/seed_<n>/
    recipe.yaml                     reproduces the run
    compacted/                      before the fill, only where the method fills
    model/                          the result: config, safetensors, tokenizer, structure.json; modeling_pruned.py, with
                                    which it loads anywhere; pruning.json: where it comes from; README.md: its card
    predictions/<split>/            what it says about each example (dense/<id> has the dense model's)
      predictions.json              id -> answer; for SQuAD this is the official evaluation's format
      null_odds.json                id -> how much more is to be said for no answer, where questions may have none
      non_null_predictions.json     id -> the best answer, had one to be given
    exported/<format>/              the result in another format; record.json there: what it gave in its runtime
    record.json                     what the run gave
    report.json, figures/           what the page tells of it beside: see prune/report/detail.py
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prune.config import Config
from prune.errors import UserError
from prune.targets import ONE_SHOT

RECORD = "record.json"
ORIGIN = "pruning.json"
"""In the folder of a model: what it was pruned from and how, and its score."""
RESULTS_CSV = "results.csv"
RESULTS_MD = "results.md"
REPORT = "report.html"
FIGURES = "figures"
_HASH_LENGTH = 8


@dataclass(frozen=True)
class PredictionFiles:
    """The files of one split's predictions."""

    path: Path

    def save(self, answers: dict[str, Any], odds: dict[str, float], forced: dict[str, Any]) -> None:
        """Writes what there is."""
        named = {"predictions": answers, "null_odds": odds, "non_null_predictions": forced}
        for name, content in named.items():
            if content:
                write_at_once(self.path / f"{name}.json", json.dumps(content, indent=0, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class StageFolder:
    """A folder that one stage fills. It is finished once its report is there, which is written last."""

    path: Path

    @property
    def report(self) -> Path:
        return self.path / "stage.json"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def history(self) -> Path:
        return self.path / "history.json"

    def predictions(self, split: str) -> PredictionFiles:
        return PredictionFiles(self.path / "predictions" / split)

    @property
    def lock(self) -> Path:
        return self.path.with_name(self.path.name + ".lock")

    def read_report(self) -> dict[str, Any] | None:
        """What the stage reported when it finished; None while it has not."""
        try:
            return dict(json.loads(self.report.read_text()))
        except FileNotFoundError:
            return None

    def finish(self, report: dict[str, Any]) -> None:
        """Writes the report at once and drops the checkpoints."""
        write_at_once(self.report, json.dumps(report, indent=1) + "\n")
        shutil.rmtree(self.checkpoints, ignore_errors=True)


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / RECORD

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    @property
    def figures(self) -> Path:
        return self.path / FIGURES

    def predictions(self, split: str) -> PredictionFiles:
        return PredictionFiles(self.path / "predictions" / split)

    @property
    def compacted(self) -> StageFolder:
        return StageFolder(self.path / "compacted")

    def exported(self, form: str) -> Path:
        """The folder of the model in another format."""
        return self.path / "exported" / form

    @property
    def filled(self) -> StageFolder:
        return StageFolder(self.path / "filled")

    @property
    def model(self) -> Path:
        return self.path / "model"


def run_folder(config: Config) -> RunFolder:
    """The folder that follows from `config`: the same config finds its run again."""
    identity = differences(config)
    for group in ("model", "task", "method", "schedule"):
        identity.get(group, {}).pop("name", None)
    for key in ("seed", "outputs", "force", "reference"):
        identity.pop(key, None)
    parts = (config.task.name, config.model.name, config.method.name, _hash(identity), f"seed_{config.seed}")
    return RunFolder(Path(config.outputs).joinpath(*parts))


def dense_folder(config: Config) -> StageFolder:
    """The folder of the dense model that `config` needs."""
    return _shared_folder(config, "dense", _dense_inputs(config))


def pruned_folder(config: Config) -> StageFolder:
    """The folder of what a method's long part leaves, whatever its finish; for one_shot, whatever its target."""
    named = differences(config)
    unused = {
        "method": ("name", "finish", "removal_steps", "refit_examples"),
        "schedule": ("name", "fill_epochs", "fill_learning_rate", "eval_batch_size"),
    }
    inputs: dict[str, Any] = {
        group: {key: value for key, value in named.get(group, {}).items() if key not in keys}
        for group, keys in unused.items()
    }
    inputs |= {"dense": _dense_inputs(config), "teacher": config.teacher, "distillation": named.get("distillation")}
    if config.method.kind != ONE_SHOT and "target" in named:
        inputs |= {"target": named["target"], "speed": named.get("evaluate", {}).get("speed")}
    if config.compact.during_training:
        inputs["during_training"] = True
    return _shared_folder(config, "pruned", inputs)


def _dense_inputs(config: Config) -> dict[str, Any]:
    used = ("dense_epochs", "batch_size", "learning_rate", "weight_decay", "warmup", "precision")
    named = differences(config)
    return {
        "model": named.get("model"),
        "task": named.get("task"),
        "schedule": {key: value for key, value in named.get("schedule", {}).items() if key in used},
        "seed": config.seed,
    }


def _shared_folder(config: Config, kind: str, inputs: dict[str, Any]) -> StageFolder:
    name = f"{config.task.name}-{config.model.name}-{_hash(inputs)}"
    return StageFolder(Path(config.outputs) / kind / name)


def differences(config: Config) -> dict[str, Any]:
    """The values of `config` that are not the schema's defaults, nested as they are in it.

    Fields at their default are left out, so that a new field renames no old run.
    """
    found = _differences(asdict(config), asdict(Config()))
    return found if isinstance(found, dict) else {}


def _differences(value: Any, default: Any) -> Any:
    if isinstance(value, dict) and isinstance(default, dict):
        nested = {key: _differences(item, default.get(key)) for key, item in value.items() if item != default.get(key)}
        return nested or None
    return value


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def check_writable(outputs: str) -> None:
    """Makes the outputs folder.

    Raises:
        UserError: if it cannot be made or written in.
    """
    folder = Path(outputs)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"outputs={outputs}: cannot write there ({error.strerror}). Name another folder") from error


def find_records(outputs: Path) -> Iterator[Path]:
    """All records under `outputs`, in the order of their paths."""
    return iter(sorted(outputs.glob(f"**/{RECORD}")))


def find_unfinished(outputs: Path) -> Iterator[Path]:
    """Folders of runs that have left something under `outputs`, but no record yet."""
    folders = {path.with_suffix("") for path in outputs.glob("*/*/*/*/seed_*")}  # a lock is there before its folder
    return iter(sorted(folder for folder in folders if not RunFolder(folder).record.exists()))


def write_at_once(file: Path, text: str) -> None:
    """Writes a file so that a reader finds the old or the new content, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
