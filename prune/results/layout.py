"""Every file name under the outputs folder. The one place that knows them.

outputs/
  results.csv, results.md           the table over all records
  report.html                       the page over all of them
  overlap.csv, overlap.json         how far runs agree on what they keep, as the last `prune overlap` found it
  figures/                          its figures, as SVG and PNG
  audit.json, audit.csv             what `prune audit` found: whole, and its slices; audit.html is its page
  dense/<id>/                       a fine-tuned unpruned model, shared by all runs that need the same one
    history.json                    its curves of training; other stages have theirs
    exported/<format>/              the same in another format, which the exports of these runs are timed against
  dense/<id>.steps.json             how many steps schedule.budget_seconds was found to allow
  early_dense/<id>/                 the same early in its fine-tuning, where tickets rewind to that
  pruned/<id>/                      a masked model after training, shared likewise (hybrid and hybrid_filled)
  candidates/<id>/                  the loss of a candidate of a method, once it was tried
  tickets/<id>/                     a round of lottery tickets, shared by all runs of more rounds and by their controls
  <task>/<model>/<method>/<hash>/seed_<n>/
    recipe.yaml                     reproduces the run
    compacted/                      before the fill, only where the method fills
    model/                          the result: config, safetensors, tokenizer; modeling_pruned.py, with which it loads
                                    anywhere; pruning.json: where it comes from; README.md: its card
    predictions/<split>/            what it says about each example (dense/<id> has the dense model's)
      predictions.json              id -> answer; for SQuAD this is the official evaluation's format
      null_odds.json                id -> how much more is to be said for no answer, where questions may have none
      non_null_predictions.json     id -> the best answer, had one to be given
      probabilities.json            id -> those of all labels, where answers are labels
    probes/<name>/predictions.json  the same of a probe (dense/<id> has the dense model's, with its scores)
    tracking/<tracker>/             the curves of training for TensorBoard and others, where asked for
    exported/<format>/              the result in another format; record.json there: what it gave in its runtime
    record.json                     what the run gave
    error.txt                       why it was refused or failed, if it was; of a failure the traceback, too
    report.json, figures/           what the page tells of it beside: see prune/report/detail/run.py
  sweeps/<time>/                    one sweep's: multirun.yaml (Hydra's)
    <n>.json, <n>.log               how its n-th run went; what it said, where it ran in a process of its own
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.config.identity import dense_identity, differences, digest, run_identity
from prune.config.schema import Config
from prune.errors import UserError
from prune.files import strict_json
from prune.files.atomic import write_at_once
from prune.files.checksums import sealed, unsealed

RECORD = "record.json"
ORIGIN = "pruning.json"
"""In the folder of a model: what it was pruned from and how, and its score."""
RESULTS_CSV = "results.csv"
RESULTS_MD = "results.md"
OVERLAP_CSV = "overlap.csv"
OVERLAP_JSON = "overlap.json"
REPORT = "report.html"
AUDIT_JSON = "audit.json"
AUDIT_CSV = "audit.csv"
AUDIT_PAGE = "audit.html"
FIGURES = "figures"
_LEVELS = 4
"""Folders between a run's and that of outputs: task, model, method, hash."""
_WITHOUT_RECORDS = {RECORD, "compacted", "filled", "model", "predictions", "probes"}
"""In a run folder: not looked through for records, which would take longer than reading them."""


@dataclass(frozen=True)
class PredictionFiles:
    """The files of one split's predictions."""

    path: Path

    def save(self, **named: dict[str, Any]) -> None:
        """Writes what there is, a file for each name."""
        for name, content in named.items():
            if content:
                write_at_once(self.path / f"{name}.json", _by_line(content))

    def answers(self) -> dict[str, Any]:
        """Example's id -> its answer, as `save` left them.

        Raises:
            UserError: if they are not there, or no JSON.
        """
        file = self.path / "predictions.json"
        try:
            return strict_json.read(file)
        except FileNotFoundError:
            raise UserError(f"{file}: these answers are gone; with force=true they are made again") from None


def _by_line(content: dict[str, Any]) -> str:
    """JSON with a line for each key."""
    lines = (
        f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}" for key, v in content.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


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

    def probe(self, name: str) -> PredictionFiles:
        return PredictionFiles(self.path / "probes" / name)

    def exported(self, form: str) -> StageFolder:
        """Its model in another format, kept."""
        return StageFolder(self.path / "exported" / form)

    @property
    def lock(self) -> Path:
        return self.path.with_name(self.path.name + ".lock")

    def read_report(self) -> dict[str, Any] | None:
        """What the stage reported when it finished; None while it has not.

        Raises:
            Damaged: if the report or the model is not as it was left.
        """
        return unsealed(self.report, self.model)

    def finish(self, report: dict[str, Any]) -> None:
        """Writes the report at once and drops checkpoints."""
        write_at_once(self.report, sealed(report, self.model))
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def remove(self) -> None:
        """Makes room for the stage to be carried out again."""
        if self.path.is_symlink() or self.path.is_file():
            self.path.unlink()
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / RECORD

    @property
    def error(self) -> Path:
        return self.path / "error.txt"

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

    def probe(self, name: str) -> PredictionFiles:
        return PredictionFiles(self.path / "probes" / name)

    @property
    def outputs(self) -> Path | None:
        """The outputs folder that it lies in, wherever that has been moved; None where it lies in none."""
        above = self.path.resolve().parents
        found = above[_LEVELS] if len(above) > _LEVELS else None
        return found if found and (found / "dense").is_dir() else None

    def stage(self, directory: str) -> StageFolder:
        """The folder of a stage of this run alone."""
        return StageFolder(self.path / directory)

    @property
    def compacted(self) -> StageFolder:
        return self.stage("compacted")

    @property
    def tracking(self) -> Path:
        return self.path / "tracking"

    def exported(self, form: str) -> Path:
        """The folder of the model in another format."""
        return self.path / "exported" / form

    @property
    def filled(self) -> StageFolder:
        return self.stage("filled")

    @property
    def model(self) -> Path:
        return self.path / "model"


@dataclass(frozen=True)
class SweepFolder:
    """What one sweep notes of its runs, each in a file of its own, so that any number may go at once."""

    path: Path

    @staticmethod
    def new(outputs: str) -> SweepFolder:
        """A folder named after the time."""
        parent = Path(outputs).resolve() / "sweeps"
        parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=parent, prefix=time.strftime("%Y-%m-%d_%H-%M-%S_")))
        path.chmod(0o755)
        return SweepFolder(path)

    def note(self, number: int) -> Path:
        return self.path / f"{number}.json"

    def log(self, number: int) -> Path:
        return self.path / f"{number}.log"

    def notes(self) -> list[dict[str, Any]]:
        """All notes, in the order of the runs' numbers."""
        return [
            json.loads(file.read_text("utf-8")) for file in sorted(self.path.glob("*.json"), key=lambda f: int(f.stem))
        ]


def run_folder(config: Config) -> RunFolder:
    """The folder that follows from `config`: the same config finds its run again."""
    identity = digest(run_identity(differences(config)))
    parts = (config.task.name, config.model.name, config.method.name, identity, f"seed_{config.seed}")
    return RunFolder(Path(config.outputs).joinpath(*parts))


def steps_file(config: Config) -> Path:
    """How many steps of the dense model's training its budget of time was found to allow."""
    identity = dense_identity(differences(config)) | {"seed": config.seed}
    return Path(config.outputs) / "dense" / f"{config.task.name}-{config.model.name}-{digest(identity)}.steps.json"


def find_records(outputs: Path) -> Iterator[Path]:
    """All records under `outputs`, in the order of their paths."""
    for folder, folders, files in os.walk(outputs):
        if RECORD in files or RECORD in folders:
            yield Path(folder, RECORD)
            folders[:] = sorted(set(folders) - _WITHOUT_RECORDS)
        else:
            folders.sort()


def find_unfinished(outputs: Path) -> Iterator[Path]:
    """Folders of runs that have left something under `outputs`, but no record yet."""
    folders = {path.with_suffix("") for path in outputs.glob("*/*/*/*/seed_*")}  # a lock is there before its folder
    return iter(sorted(folder for folder in folders if not RunFolder(folder).record.exists()))
