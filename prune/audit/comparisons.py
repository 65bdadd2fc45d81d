"""What is compared: the dense models of a task and each kind of pruned ones, of run folders or of bare files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from datasets import Dataset

from prune.audit.split import Predicted, SplitAudit, audit_split
from prune.config.schema import Config, TaskConfig
from prune.errors import UserError
from prune.files import confined
from prune.pipeline.shared_stages import DENSE
from prune.pipeline.task import task_of
from prune.recipes.reproduction import config_of
from prune.results.layout import PredictionFiles, RunFolder
from prune.results.predictions import of_examples
from prune.results.record import Record
from prune.results.rows import DENSE as DENSE_ROW
from prune.results.rows import RUN, Row
from prune.results.rows import rows as rows_of
from prune.runtime.sanitize import shown
from prune.tasks.base import Predictions, Task

_TOLERANCE = 1e-6
"""By which a score that is computed again may differ from the record's."""


@dataclass(frozen=True)
class Comparison:
    """Pruned models of one configuration against their dense models; names are empty where bare files are compared."""

    splits: Mapping[str, SplitAudit]
    examples: Mapping[str, Dataset]
    """Split -> its rows, in the order of the audit's ids."""
    config: TaskConfig
    model: str = ""
    method: str = ""
    setting: str = ""
    configuration: str = ""
    """Name of the runs' folder above their seeds."""
    remarks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it compares, in a line."""
        named = f"{self.method}, {self.setting}" if self.setting else self.method
        return ": ".join(part for part in (self.config.name, self.model, named) if part)


def of_files(config: Config, dense: Sequence[Path], pruned: Sequence[Path]) -> Comparison:
    """Compares files of predictions of the first evaluation split (JSON: id -> answer).

    Raises:
        UserError: if one cannot be read, or its ids are not those of the split.
    """
    task, split = task_of(config), config.task.eval_splits[0]
    rows = task.load([split])[split]
    ids = task.ids(rows)
    predicted = [
        Predicted([Predictions(of_examples(file, ids, key)) for file in files])
        for key, files in (("dense", dense), ("pruned", pruned))
    ]
    return Comparison({split: audit_split(task, rows, *predicted)}, {split: rows}, config.task)


def of_records(
    outputs: Path, records: Mapping[Path, Record], settings: Mapping[str, Any]
) -> tuple[list[Comparison], list[str]]:
    """Compares the runs under `outputs` with their dense models, one configuration at a time; and why some cannot be:
    predictions or data are missing, or are not those that were scored.

    Args:
        records: Run folder, relative to `outputs` -> its record.
        settings: Fields of the task's config that differ from the records': where the data are now, and the columns
            to slice by.
    """
    folders = {id(record): outputs / folder for folder, record in records.items()}
    family: _Family | None = None
    comparisons, problems = [], dict[str, None]()
    for row in rows_of(records.values()):
        if row.kind == DENSE_ROW:
            family = _Family(outputs, row, folders, settings)
        elif row.kind == RUN and family is not None:
            try:
                comparisons.append(family.compared_with(row))
            except UserError as error:
                problems[str(error)] = None
    return comparisons, list(problems)


class _Family:
    """The dense models of a task and model, and the data that they were scored on."""

    def __init__(self, outputs: Path, dense: Row, folders: Mapping[int, Path], settings: Mapping[str, Any]):
        self.outputs, self.dense, self.folders = outputs, dense, folders
        self.config = config_of(dense.records[0])
        self.config.task = replace(self.config.task, **settings)

    @cached_property
    def task(self) -> Task:
        return task_of(self.config)

    @cached_property
    def data(self) -> dict[str, Dataset]:
        """Its evaluation splits, as they are now."""
        return self.task.load_evaluation()

    @cached_property
    def predicted(self) -> dict[str, Predicted]:
        """Split -> what the dense models say."""
        return {split: self._predicted(self.dense.records, split, dense=True) for split in self.data}

    def compared_with(self, row: Row) -> Comparison:
        """The audit of the runs of one row."""
        splits, remarks = {}, []
        for split, rows in self.data.items():
            if problem := _differing_data([*self.dense.records, *row.records], split):
                if split == self.config.task.eval_splits[0]:
                    raise UserError(f"{row.task}, {row.method}: {problem}")
                remarks.append(problem)
                continue
            splits[split] = audit_split(
                self.task, rows, self.predicted[split], self._predicted(row.records, split, dense=False)
            )
        return Comparison(
            splits, self.data, self.config.task, row.model, row.method, row.setting, row.records[0].configuration,
            tuple(remarks),
        )  # fmt: skip

    def _predicted(self, records: Sequence[Record], split: str, *, dense: bool) -> Predicted:
        predictions = [self._predictions(record, split, dense=dense) for record in records]
        return Predicted(predictions, tuple(record.seed for record in records))

    def _predictions(self, record: Record, split: str, *, dense: bool) -> Predictions:
        """Those that a run's folder has, or that of its dense model, checked against the score in its record."""
        run, ids = self.folders[id(record)], self.task.ids(self.data[split])
        files = self._dense_files(record, split) if dense else RunFolder(run).predictions(split)
        found = Predictions(
            _read(self.outputs, files.path / "predictions.json", ids),
            probabilities=_read(self.outputs, files.path / "probabilities.json", ids, needed=False),
        )
        scored = (record.dense_scores if dense else record.scores)[split][record.metric]
        again = self.task.score(found, self.data[split])[record.metric]
        if abs(again - scored) > _TOLERANCE:
            raise UserError(
                f"{run}: on {split}, {shown(record.metric)} of its predictions is {again:.6g} with the data in "
                f"task.path={shown(self.config.task.path)}, and {scored:.6g} in its record: these are not the data "
                "that it was scored on. Name them with task.path="
            )
        return found

    def _dense_files(self, record: Record, split: str) -> PredictionFiles:
        config = config_of(record)
        config.outputs = str(self.outputs)
        return DENSE.folder(config).predictions(split)


def _read(outputs: Path, file: Path, ids: Sequence[str], *, needed: bool = True) -> dict[str, Any]:
    if not needed and not file.exists():
        return {}
    try:
        confined.check_file(outputs, file)
    except OSError as error:
        raise UserError(f"{file}: there are no predictions to audit ({error.strerror})") from error
    return of_examples(file, ids, "predictions")


def _differing_data(records: Sequence[Record], split: str) -> str:
    """What is wrong where runs were scored on different examples; empty where nothing is."""
    found: dict[Any, int] = {}
    for record in records:
        found.setdefault(record.environment.get("data", {}).get(split), record.seed)
    if len(found) < 2:
        return ""
    first, second = sorted(found.values())[:2]
    return (
        f"the split {shown(split)} of seed {first} is not that of seed {second}: their fingerprints differ. Set "
        "data_seed where subsets of examples are drawn, so that all seeds have the same ones"
    )
